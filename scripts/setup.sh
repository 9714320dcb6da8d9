#!/usr/bin/env bash
# Prepare this machine and this checkout: programs from the distribution, .venv from uv.lock, stock clients, the sample
# images.
#
#   make setup                            as root, or as a user who may use sudo
#   scripts/setup.sh packages NAME...     (used by the above, as root) install packages of the distribution
#   scripts/setup.sh parsl                (used by `make bench`) install Parsl, for comparison
#
# Everything is looked at on every run and done only where it is missing, so there is no stamp that could be wrong;
# with nothing to do it takes well under a second. It never asks a question, but for sudo's password on a terminal.
set -euo pipefail
cd "$(dirname "$0")/.."

UV_VERSION=0.13.9
PARSL_VERSION=2026.10.26
UV=build/uv-$UV_VERSION/bin/uv

say() { printf '%s\n' "$*"; }
fail() { printf 'setup: %s\n' "$@" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"
    elif ! have sudo; then return 1
    elif [ -t 0 ]; then sudo "$@"
    else sudo -n "$@"
    fi
}

# --- programs --------------------------------------------------------------------------------------------------------

python_version() { /usr/bin/python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])'; }

# Prints the packages this machine lacks. Programs are looked for, not packages: where crun comes from is not our business.
missing_packages() {
    local program
    for program in crun skopeo umoci mmdebstrap wrk docker-registry curl; do
        have "$program" || say "$program"
    done
    have ip || say iproute2
    have iptables || say iptables
    have mkfs.ext4 || say e2fsprogs
    have slirp4netns || say slirp4netns  # for servers that are not root
    [ -e /etc/ssl/certs/ca-certificates.crt ] || say ca-certificates
    # Skopeo refuses to work without a policy.
    [ -e /etc/containers/policy.json ] || say golang-github-containers-common
    # The package `busybox` has a program of the same name that does not run in an empty root file system.
    [ "$(dpkg-query -W -f '${db:Status-Status}' busybox-static 2>/dev/null)" = installed ] || say busybox-static
    # Tests start an engine of their own.
    have dockerd || say docker.io
    have mkfs.btrfs || say btrfs-progs
    # The standard library's tests, which our executor has to pass.
    compgen -G '/usr/lib/python3*/test/test_concurrent_futures*' >/dev/null || say "libpython$(python_version)-testsuite"
    # As well as PostgreSQL servers.
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || say postgresql
    [ -x "$UV" ] || /usr/bin/python3 -c 'import ensurepip, venv' 2>/dev/null || say python3-venv
}

# As root. Services that packages bring are for the tests to start: nothing is left running or started at boot.
install_packages() {
    local policy=/usr/sbin/policy-rc.d service containerd=
    export DEBIAN_FRONTEND=noninteractive
    if [ ! -e $policy ]; then
        # dpkg asks this program whether it may start a service: no.
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod +x $policy
        # shellcheck disable=SC2064  # the path of now
        trap "rm -f $policy" EXIT
    fi
    have containerd || containerd=containerd.service  # it comes with Docker
    apt-get -qq update
    apt-get -qq install -y --no-install-recommends -o Dpkg::Use-Pty=0 "$@" </dev/null
    [ -d /run/systemd/system ] || return 0
    for service in postgresql docker-registry; do
        case " $* " in *" $service "*) systemctl disable --now "$service" ;; esac
    done
    # shellcheck disable=SC2086  # none or one
    case " $* " in *" docker.io "*) systemctl disable --now docker.service docker.socket $containerd ;; esac
}

ensure_programs() {
    local missing
    mapfile -t missing < <(missing_packages)
    [ ${#missing[@]} -gt 0 ] || return 0
    have apt-get || fail \
        "this machine has no apt-get. Setup knows Debian 12 or newer and Ubuntu 24.04 or newer." \
        "Install what these packages hold in your system's way, then run it again: ${missing[*]}"
    say "Installing: ${missing[*]}"
    as_root "$PWD/scripts/setup.sh" packages "${missing[@]}" || fail \
        "could not install packages (see above; it takes root, or sudo). Missing: ${missing[*]}" \
        "Run 'sudo make setup', or have an administrator run: apt-get install ${missing[*]}"
    mapfile -t missing < <(missing_packages)
    [ ${#missing[@]} -eq 0 ] || fail "still missing after the installation: ${missing[*]}"
}

# --- Python ----------------------------------------------------------------------------------------------------------

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

# The distribution's Python comes first: functions sent to the sample images run on the same one there.
find_python() {
    local candidate
    for candidate in /usr/bin/python3 python3 python3.11 python3.12 python3.13 python3.14; do
        if is_new_enough "$candidate"; then command -v "$candidate"; return; fi
    done
    fail "Abaco needs Python 3.11 or newer; this machine has $(python3 --version 2>&1 || true)." \
        "Debian 12 and Ubuntu 24.04 bring one; on older systems install it (python3.11 and python3.11-venv) beside yours."
}

ensure_environment() {
    local python
    if [ ! -x "$UV" ]; then
        python=$(find_python)
        say "Installing uv $UV_VERSION"
        rm -rf "build/uv-$UV_VERSION"
        "$python" -m venv "build/uv-$UV_VERSION"
        "build/uv-$UV_VERSION/bin/pip" --quiet --disable-pip-version-check install --no-cache-dir "uv==$UV_VERSION"
    fi
    # An environment that works is kept; uv brings its packages to what the lock file says.
    if is_new_enough .venv/bin/python; then python=.venv/bin/python; else python=$(find_python); fi
    env -u VIRTUAL_ENV UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=.venv \
        "$UV" sync --quiet --frozen --all-extras --all-groups --python "$python"
}

# Stock clients, each in an environment of its own as its users have it; tests/clients runs them against our server.
# Setuptools 72 dropped what tapispy's setup.py imports.
ensure_clients() {
    local requirements client
    for requirements in tests/clients/requirements/*.txt; do
        client=build/clients/$(basename "$requirements" .txt)
        [ "$("$UV" pip freeze --quiet --python "$client" 2>/dev/null || true)" != "$(<"$requirements")" ] || continue
        say "Installing the client ${client##*/}"
        is_new_enough "$client/bin/python" || "$UV" venv --quiet --clear --python "$(find_python)" "$client"
        "$UV" pip sync --quiet --python "$client" --build-constraints <(say 'setuptools<72') "$requirements"
    done
}

# Without a network the comparison is left out, so this fails in words only.
ensure_parsl() {
    [ ! -x build/parsl/bin/process_worker_pool.py ] || return 0
    say "Installing Parsl, for comparison"
    "$UV" venv --quiet --clear --python "$(find_python)" build/parsl
    "$UV" pip install --quiet --python build/parsl "parsl==$PARSL_VERSION" || say "Parsl is left out."
}

# --- sample images ---------------------------------------------------------------------------------------------------

ensure_images() {
    if [ "$(id -u)" -eq 0 ] || .venv/bin/python -m scripts.build_images --check; then
        .venv/bin/python -m scripts.build_images
        return
    fi
    as_root .venv/bin/python -m scripts.build_images || fail \
        "could not build the sample images (see above; it takes root, or sudo). Run: sudo .venv/bin/python -m scripts.build_images"
    as_root chown -R "$(id -u):$(id -g)" build/images
}

if [ "${1:-}" = packages ]; then
    shift
    install_packages "$@"
elif [ "${1:-}" = parsl ]; then
    ensure_parsl
else
    find_python >/dev/null  # without it nothing below is of use
    ensure_programs
    ensure_environment
    ensure_clients
    ensure_images
fi
