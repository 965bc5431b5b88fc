#!/bin/sh
# As a container runs it, without a container engine: the whole file system read-only but for a data folder and a /tmp of
# its own, another user, no capability, no new privileges.  unshare --mount sh sealed.sh PYTHON PROGRAM DATA UID COMMAND…
set -eu
python=$1 program=$2 data=$3 user=$4
shift 4
mount --make-rprivate /
mount -t tmpfs -o mode=755 kept /mnt
mkdir /mnt/python /mnt/program /mnt/data
mount --bind "$python" /mnt/python
mount --bind "$program" /mnt/program
mount --bind "$data" /mnt/data
mount --bind / /
mount -o remount,bind,ro /
mount -t tmpfs -o mode=1777 tmp /tmp
# what only root may enter is replaced by an empty folder in which the three stand where they stood
if [ "$(stat -c %a /root)" = 700 ]; then mount -t tmpfs -o mode=755 root /root; fi
mkdir -p "$python" "$program" "$data"
mount --bind /mnt/python "$python"
mount -o remount,bind,ro "$python"
mount --bind /mnt/program "$program"
mount -o remount,bind,ro "$program"
mount --bind /mnt/data "$data"
cd "$data"
exec setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all "$@"
