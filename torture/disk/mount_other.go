//go:build !linux

package disk

import "errors"

// Mount works on Linux only.
func (d *Disk) Mount(string) (unmount func() error, err error) {
	return nil, errors.New("a disk that loses power can be mounted on Linux only")
}
