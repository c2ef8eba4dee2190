# Removes the directory of a temporary server that root has started. The keeper is a process of the
# server's user, which can only empty that user's directories.
#
# The keeper and the server hold the other end of this script's input, so the end of the input means that
# both have ended. Its output is the lock of the directory.
#
#   $1   the directory

trap '' HUP INT QUIT TERM
cat >/dev/null
cd "$1" || exit 1

# Closed to the server's user, so that no other user can put links in them meanwhile.
rm -rf data.new
[ ! -O data ] || rm -rf data

# The keeper has emptied these. The next start removes anything left in them, safely against
# links.
rmdir data socket

rm -f -- *
cd /
rmdir "$1"
