# Removes the directory of a temporary server that root has started. The keeper is a process of the
# server's user, who can remove only what is in the directories that were given to it.
#
# The other end of this script's input is held by the keeper and the server, so that the end of the
# input tells that both have ended. Its output is the lock of the directory.
#
#   $1   the directory

trap '' HUP INT QUIT TERM
cat >/dev/null
cd "$1" || exit 1

# Closed to the server's user, so that there is nobody who could lay links in them meanwhile.
rm -rf data.new
[ ! -O data ] || rm -rf data

# The keeper has emptied these. What else is in them is left to the next start, whose removal
# cannot be led astray by links.
rmdir data socket

rm -f -- *
cd /
rmdir "$1"
