package topology

// credentialsForm is the form of a boot program's credentials; see form.go.
type credentialsForm struct {
	Flaw credentialsFlaw `json:"flaw" jsonschema_description:"A mistake to make on purpose, by the reason for which a client with BIS refuses the boot program: a broken lab."`
}

type credentialsFlaw string

// credentialsFlaws are the reasons of package bis whose cause is in the credentials.
var credentialsFlaws = []string{"credentials-missing", "credentials-malformed", "type-unsupported", "program-tampered",
	"manifest-tampered", "signature-tampered", "wrong-signer", "signer-expired", "signer-not-yet-valid"}

// Credentials are those of the boot files of one type and layer, for clients with BIS.
type Credentials struct {
	Flaw string // why a client refuses the boot program; empty: it does not
}

// Certificates are the variables that name files with certificates: that of the owner of the lab's machines, for whom boot
// programs are signed, and that of somebody else.
var Certificates = []string{"owner.certificate", "stranger.certificate"}

// credentials builds the credentials of boot files, which lie beside these; nil stays nil.
func (c *checker) credentials(key string, f *bootServerItemForm) *Credentials {
	if f.Credentials == nil {
		return nil
	}
	server := f.Boot.Server
	if to := c.form.Services[partName(server)]; to.Exec != nil || to.External != nil {
		c.report(join(key, "credentials"), "cannot lie beside the boot files, as %q is none of our servers; name a service with tftp in boot: {server: ...}, or leave server out", server)
	}
	return &Credentials{Flaw: string(f.Credentials.Flaw)}
}
