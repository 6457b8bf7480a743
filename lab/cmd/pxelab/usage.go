package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// explainUsage makes help fit a terminal of 80 columns, and lets every mistake on the command line say what would be
// right.
func explainUsage(root *cobra.Command) {
	root.SetHelpCommand(helpCommand())
	root.SetHelpCommandGroupID("file")
	root.SetCompletionCommandGroupID("file")
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	root.SuggestionsMinimumDistance = 2
	root.SetUsageTemplate(strings.NewReplacer(
		".FlagUsages", ".FlagUsagesWrapped 80",
		"{{if .Runnable}}\n  {{.UseLine}}{{end}}", "{{if and .Runnable (not .HasSubCommands)}}\n  {{.UseLine}}{{end}}",
	).Replace(root.UsageTemplate()))
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; `%s --help` lists the flags", err, cmd.CommandPath())
	})
	root.Args, root.RunE = cobra.ArbitraryArgs, unknownCommand
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			c.Short = "Print a script that lets a shell complete pxelab's commands"
			c.Args, c.RunE = cobra.ArbitraryArgs, unknownCommand
		} else if c.Args != nil {
			c.Args = countedArgs(c.Args)
		}
	}
}

// countedArgs words what a check of the number of arguments finds.
func countedArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if check(cmd, args) == nil {
			return nil
		}
		return fmt.Errorf("%s: wrong number of arguments (%d); usage: %s", cmd.Name(), len(args), cmd.UseLine())
	}
}

// unknownCommand is what a command that only has others below it does itself: without a word it helps, and any word
// that comes to it is none of its commands.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	if like := cmd.SuggestionsFor(args[0]); len(like) > 0 {
		return fmt.Errorf("unknown command %q of %s; did you mean %s?", args[0], cmd.CommandPath(), strings.Join(like, " or "))
	}
	return fmt.Errorf("unknown command %q of %s; `%[2]s --help` lists them", args[0], cmd.CommandPath())
}

func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Help about a command",
		Example: "  pxelab help run",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return unknownCommand(cmd.Root(), args)
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}
