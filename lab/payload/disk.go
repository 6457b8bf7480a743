package payload

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"github.com/diskfs/go-diskfs/backend"
	storage "github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/fat16"
	"github.com/diskfs/go-diskfs/partition/mbr"
)

// file is one file of a disk.
type file struct {
	path string
	data []byte
}

const (
	sector     = 512
	firstStart = 2048 * sector // the usual place of a first partition; what GRUB's core image may fill before it
	slack      = 2 << 20       // of a file system: its tables, and clusters that files do not fill
	minimum    = 16 << 20      // FAT16 has at least 4085 clusters
)

// disk lays out a disk with one FAT16 partition that holds these files. The boot sector is GRUB's, whose core image
// follows it in the gap before the partition: where boot.img looks for it unless it was told another place.
func disk(bootSector, core []byte, files []file) ([]byte, error) {
	if len(bootSector) != sector || len(core) > firstStart-sector {
		return nil, fmt.Errorf("a boot sector of %d octets (not %d) and a core image of %d (at most %d): is this GRUB for BIOS?",
			len(bootSector), sector, len(core), firstStart-sector)
	}
	volume := int64(slack)
	for _, f := range files {
		volume += int64(len(f.data))
	}
	volume = max(minimum, (volume+sector-1)/sector*sector)
	dir, err := os.MkdirTemp("", "pxelab-stick-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	image := filepath.Join(dir, "stick.img")
	b, err := storage.CreateFromPath(image, firstStart+volume)
	if err != nil {
		return nil, err
	}
	err = errors.Join(fill(b, volume, files), bootable(b, volume, bootSector, core), b.Close())
	if err != nil {
		return nil, err
	}
	return os.ReadFile(image)
}

// fill makes the file system and writes its files.
func fill(b backend.Storage, volume int64, files []file) error {
	fat, err := fat16.Create(b, volume, firstStart, sector, "PXELAB", true)
	if err != nil {
		return fmt.Errorf("make a file system: %w", err)
	}
	for _, f := range files {
		if err := fat.Mkdir(path.Dir(f.path)); err != nil {
			return fmt.Errorf("make %s: %w", path.Dir(f.path), err)
		}
		w, err := fat.OpenFile(f.path, os.O_CREATE|os.O_RDWR)
		if err != nil {
			return fmt.Errorf("make %s: %w", f.path, err)
		}
		if _, err := w.Write(f.data); err != nil {
			return fmt.Errorf("write %s: %w", f.path, err)
		}
		if err := w.Close(); err != nil {
			return fmt.Errorf("write %s: %w", f.path, err)
		}
	}
	return nil
}

// atTable is where the partition table begins in the boot sector; before it is the code.
const atTable = 440

// bootable writes the partition table, GRUB's code before it and its core image behind.
func bootable(b backend.Storage, volume int64, bootSector, core []byte) error {
	w, err := b.Writable()
	if err != nil {
		return err
	}
	table := mbr.Table{LogicalSectorSize: sector, PhysicalSectorSize: sector, Partitions: []*mbr.Partition{
		{Bootable: true, Type: mbr.EFISystem, Start: firstStart / sector, Size: uint32(volume / sector)}}}
	if err := table.Write(w, firstStart+volume); err != nil {
		return fmt.Errorf("write the partition table: %w", err)
	}
	for _, part := range []struct {
		data []byte
		at   int64
	}{{bootSector[:atTable], 0}, {core, sector}} {
		if _, err := w.WriteAt(part.data, part.at); err != nil {
			return err
		}
	}
	return nil
}
