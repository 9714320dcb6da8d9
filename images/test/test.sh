#!/bin/sh
# The image the documentation shows first: prints everything an execution is given.

printf 'Contents of MSG: %s\n' "$MSG"

# Slows things down, so that one can watch: the variable SLEEP says how many seconds.
sleep "${SLEEP:-2}"

# Not `env`: the shell drops variables whose names it could not write itself, such as _abaco_Content-Type.
echo "Environment:"
tr '\0' '\n' </proc/$$/environ

echo "Contents of root file system: "
ls /

echo "Checking for contents of mounts:"
if [ -d "${MOUNT:-/_abaco_data1}" ]; then
    ls "${MOUNT:-/_abaco_data1}"
else
    echo "Mount does not exist"
fi
