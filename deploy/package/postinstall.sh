#!/bin/sh
# Makes the user that heed runs as, and lets it alone read what is in /etc/heed.
set -e

if ! getent passwd heed > /dev/null; then
  useradd --system --user-group --home-dir /var/lib/heed --shell /usr/sbin/nologin heed
fi
chgrp heed /etc/heed /etc/heed/rules /etc/heed/environment
chmod 750 /etc/heed /etc/heed/rules
chmod 640 /etc/heed/environment
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  systemctl try-restart heed.service
fi
if [ ! -e /etc/heed/webhook-secrets ]; then
  echo "heed: put the signing secret into /etc/heed/webhook-secrets and rules into /etc/heed/rules, then"
  echo "  systemctl enable --now heed"
fi
