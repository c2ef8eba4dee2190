# The parent of the server. Its input is a pipe whose other end only the starting program holds, so the
# end of the input means that this program has ended, in any way.
#
#   $1   the directory to remove at the end, or nothing
#   $2   the signal that stops the server
#   $3…  the command that starts it
#
# Each line of the input is a port to start the server on.

# Ctrl-C and similar signals are for the program; this script ends when the program does.
trap '' HUP INT QUIT TERM
directory=$1 signal=$2 status=0
shift 2
exec 3<&0 </dev/null

while read -r port <&3; do
    "$@" -p "$port" 3<&- &
    server=$!
    (
        while read -r _ <&3; do :; done
        # Sent again, because a server that is just starting ignores it.
        while kill -s "$signal" "$server"; do sleep 1; done
    ) >/dev/null 2>&1 &
    watcher=$!
    wait "$server"
    status=$?
    kill -s KILL "$watcher"
    wait "$watcher" 2>/dev/null
    # The program looks for this line when it waits for the server.
    echo "keeper: the server ended with status $status" >&2
done

# If root started the server, this user can only empty its own directories; the guard removes
# the rest.
remove() {
    rm -rf "$directory/data" "$directory/socket" "$directory" 2>/dev/null
    [ -z "$(ls -A "$directory/data" 2>/dev/null)" ]
}

if [ -n "$directory" ]; then
    # A second time, in case the server was killed and one of its processes still writes.
    remove || { sleep 2; remove; }
fi
exit "$status"
