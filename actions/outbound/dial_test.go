package outbound

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPrivateAddressesAreToldFromPublicOnes(t *testing.T) {
	for want, addresses := range map[bool][]string{
		true: {
			"127.0.0.1", "127.9.9.9", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1",
			"169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.8", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
			"::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "fe80::1", "fe80::1%eth0", "fec0::1",
			"fc00::1", "fd12:3456::1", "ff02::1", "64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::8.8.8.8", "64:ff9b:1::1", "::ffff:0:127.0.0.1", "::ffff:0:a00:1", "2a00:1450::5efe:10.0.0.1", "2a00:1450::200:5efe:10.0.0.1", "100::1", "192.88.99.1",
			"2002:7f00:1::", "2002:a00:1::", "2001::1",
		},
		false: {
			"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.1", "172.15.255.255", "172.32.0.1", "169.253.1.1",
			"192.167.1.1", "192.169.1.1", "198.17.255.255", "198.20.0.1", "223.255.255.255", "::ffff:8.8.8.8", "2606:4700::1111", "2a00:1450::1",
		},
	} {
		for _, text := range addresses {
			if got := isPrivate(netip.MustParseAddr(text)); got != want {
				t.Errorf("%s is private: %t, want %t", text, got, want)
			}
		}
	}
}

// An address that is private as IPv4 stays so in every IPv6 dress.
func TestNoDressMakesAPrivateAddressPublic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		four := netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "address")))
		if !isPrivate(four) {
			return
		}
		raw := four.As4()
		for _, prefix := range []string{"::ffff:0:0", "::", "64:ff9b::"} {
			six := netip.MustParseAddr(prefix).As16()
			copy(six[12:], raw[:])
			if a := netip.AddrFrom16(six); !isPrivate(a) {
				t.Fatalf("%s is private, %s is not", four, a)
			}
		}
	})
}

func TestConfiguredHostsAreRefusedWhenTheyArePrivateByThemselves(t *testing.T) {
	for host, private := range map[string]bool{
		"localhost": true, "LocalHost": true, "localhost.": true, "api.localhost": true, "127.0.0.1": true, "::1": true, "10.1.2.3": true,
		"example.com": false, "localhost.example.com": false, "notlocalhost": false, "8.8.8.8": false, "": false,
	} {
		err := CheckHost(host)
		var refused *privateError
		if errors.As(err, &refused) != private {
			t.Errorf("%q: %v", host, err)
		}
		if private && !strings.Contains(err.Error(), "allow_private: true") {
			t.Errorf("%q: the error %q does not say what to do", host, err)
		}
	}
}

func TestTheDialerRefusesPrivateAddressesBeforeItConnects(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	for _, host := range []string{"127.0.0.1", "localhost", "::ffff:127.0.0.1", "::1", "10.0.0.1", "169.254.169.254", "100.64.0.1", "64:ff9b::127.0.0.1", "0.0.0.0", "::"} {
		connection, err := Dialer(false).DialContext(t.Context(), "tcp", net.JoinHostPort(host, port))
		var refused *privateError
		if err == nil {
			connection.Close()
		}
		// Where there is no IPv6 at all, the kernel refuses before we do.
		if !errors.As(err, &refused) && !(strings.Contains(host, ":") && err != nil) {
			t.Errorf("%s: %v", host, err)
		}
	}
	connection, err := Dialer(true).DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatalf("with allow_private: %v", err)
	}
	connection.Close()
}
