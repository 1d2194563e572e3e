package connect

import (
	"crypto/tls"
	"strings"

	"heed/actions"
	"heed/actions/outbound"
	"heed/engine/schema"
)

// TLS takes tls: {ca, cert, key}.
func TLS(c *actions.Config) outbound.Certificates {
	node := c.Take("tls")
	if node == nil {
		return outbound.Certificates{}
	}
	if !node.IsObject() {
		c.Report().Errorf(node.Place(), "wrong-type",
			"tls of %s must be an object of keys and values, not %s", c.What(), node.Describe()).
			Suggest("write tls: {ca: ca.pem}; whether a connection is encrypted is said by https:// in url")
		return outbound.Certificates{}
	}
	fields := c.Within("tls", node)
	defer fields.Done()
	return readCertificates(fields, "")
}

// MailTLS takes tls_ca, tls_cert and tls_key, which are those of TLS where tls says
// how the connection is encrypted.
func MailTLS(c *actions.Config) outbound.Certificates { return readCertificates(c, "tls_") }

// readCertificates takes ca, cert and key, with a prefix.
func readCertificates(c *actions.Config, prefix string) outbound.Certificates {
	files := outbound.Certificates{
		CA: readPath(c, prefix+"ca"), Cert: readPath(c, prefix+"cert"), Key: readPath(c, prefix+"key"),
	}
	if (files.Cert == "") != (files.Key == "") {
		if c.Take(prefix+"cert") == nil || c.Take(prefix+"key") == nil {
			c.Report().Errorf(c.Node().Place(), "missing-key",
				"%s needs both %scert and %skey, or neither", c.What(), prefix, prefix).
				Suggest("write %scert: client.pem and %skey: client-key.pem", prefix, prefix)
		}
		files.Cert, files.Key = "", ""
	}
	if files != (outbound.Certificates{}) && c.ReadsFiles() {
		checkFiles(c, prefix, files)
	}
	return files
}

// readPath takes the path of a file.
func readPath(c *actions.Config, key string) string {
	node := c.Take(key)
	switch {
	case node == nil:
		return ""
	case node.IsObject() && node.Get("file") != nil:
		c.Report().Errorf(node.Place(), "wrong-type",
			"%s of %s is always a file, so it is written as its path", key, c.What()).
			Suggest("write %s: %s", key, node.Get("file").Text())
	case !node.IsScalar() || node.IsNull():
		c.Report().Errorf(node.Place(), "wrong-type",
			"%s of %s must be the path of a file, not %s", key, c.What(), node.Describe()).
			Suggest("write %s: /etc/heed/%s.pem", key, strings.TrimPrefix(key, "tls_"))
	case strings.Contains(node.Text(), "-----BEGIN"):
		c.Report().Errorf(node.Place(), "wrong-type",
			"%s of %s must be the path of a file, not what is in it", key, c.What()).
			Suggest("put the text into a file and write %s: and its path", key)
	default:
		return node.Text()
	}
	return ""
}

// checkFiles reports the first file that cannot be used on this machine: rarely is
// more than one wrong.
func checkFiles(c *actions.Config, prefix string, files outbound.Certificates) {
	err := files.AddTo(&tls.Config{MinVersion: tls.VersionTLS12})
	if err == nil {
		return
	}
	place := c.Node()
	for _, key := range []string{"key", "cert", "ca"} {
		if node := c.Take(prefix + key); node != nil && strings.HasPrefix(err.Error(), "tls: "+key) {
			place = node
		}
	}
	c.Unavailable(place, "bad-tls-file", "%s: %s", c.What(), prefix+strings.TrimPrefix(err.Error(), "tls: ")).
		Suggest("put a file in PEM form there, or correct the path, which is relative to where heed runs")
}

// DescribeTLS describes what TLS takes.
func DescribeTLS() *schema.Value {
	v := schema.Object("certificates beside those that the machine trusts, and the client's own",
		describeCertificates("")...)
	v.MinProperties = 1
	return v.Together("cert", "key")
}

// DescribeMailTLS describes what MailTLS takes.
func DescribeMailTLS() schema.Keys { return describeCertificates("tls_") }

func describeCertificates(prefix string) schema.Keys {
	file := func(key, description, example string) schema.Key {
		description += "; a file in PEM form, which is read when a connection is made"
		return schema.Optional(prefix+key, schema.Text(description, example))
	}
	return schema.Keys{
		file("ca", "certificates of authorities that are trusted beside those of the machine", "/etc/heed/ca.pem"),
		file("cert", "the client's own certificate, where the server asks for one; goes with "+prefix+"key",
			"/etc/heed/client.pem"),
		file("key", "the key of "+prefix+"cert", "/etc/heed/client-key.pem"),
	}
}
