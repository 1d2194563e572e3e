#!/bin/sh
# Stops heed when it is removed, not when it is upgraded. What it stored stays.
set -e

case "$1" in
  remove | 0)
    if [ -d /run/systemd/system ]; then
      systemctl disable --now heed.service
    fi
    ;;
esac
