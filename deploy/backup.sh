#!/usr/bin/env bash
# Backups of the PostgreSQL that ghsync writes to, with PostgreSQL's own programs; README.md tells when to use what.
#
#   backup.sh archive                     receive WAL for as long as it runs: a service of its own
#   backup.sh backup                      take a base backup, and verify it
#   backup.sh prune KEEP                  remove all but the newest base backups, and WAL that none needs
#   backup.sh restore [--to TIME] TARGET  make the data directory TARGET, as the database was at TIME, or at the end
#   backup.sh check TARGET [DATABASE [ROLE]]
#                                         start TARGET where nobody else reaches it, and have ghsync verify and read it
#
# BACKUPS is the directory that holds base backups and WAL. PGHOST, PGPORT, PGUSER and PGPASSWORD, or PGSERVICE, name the
# server and a role with REPLICATION. PGBIN is where PostgreSQL's programs are, if they are not found. For root,
# PostgreSQL's programs run as PGOWNER.
set -euo pipefail

SLOT=ghsync_backup
START_SECONDS=3600 # until all WAL is replayed
PGOWNER=${PGOWNER:-postgres}
GHSYNC=${GHSYNC:-ghsync}

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

as_postgres() {
  if [ "$(id -u)" = 0 ]; then
    runuser -u "$PGOWNER" -- "$@"
  else
    "$@"
  fi
}

find_programs() {
  local each
  for each in "${PGBIN:-}" $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV) "$(pg_config --bindir 2> /dev/null)"; do
    if [ -x "$each/pg_verifybackup" ]; then
      PGBIN=$each
      return
    fi
  done
  fail "PostgreSQL's programs are not found: set PGBIN to the directory of pg_verifybackup."
}

need_backups() {
  : "${BACKUPS:?Set BACKUPS to the directory that holds the backups.}"
  as_postgres mkdir -p "$BACKUPS/base" "$BACKUPS/wal" || fail "$BACKUPS cannot be written."
}

# Names are the times of their ends, in UTC: what is older than a moment can be restored to it.
bases() {
  find "$BACKUPS/base" -mindepth 1 -maxdepth 1 -name '2*Z' -printf '%f\n' | sort
}

archive() {
  as_postgres "$PGBIN/pg_receivewal" -D "$BACKUPS/wal" --create-slot --if-not-exists --slot="$SLOT" ||
    fail "No slot for WAL can be made: check PGHOST and the others, and that the role has REPLICATION."
  exec_postgres "$PGBIN/pg_receivewal" -D "$BACKUPS/wal" --slot="$SLOT" --synchronous
}

# A signal is to reach the program itself.
exec_postgres() {
  if [ "$(id -u)" = 0 ]; then
    exec setpriv --reuid="$PGOWNER" --regid="$(id -g "$PGOWNER")" --init-groups "$@"
  else
    exec "$@"
  fi
}

backup() {
  local unfinished="$BACKUPS/base/unfinished" base
  as_postgres rm -rf "$unfinished"
  as_postgres "$PGBIN/pg_basebackup" -D "$unfinished" --checkpoint=fast --wal-method=stream --manifest-checksums=SHA256 ||
    fail "No base backup was taken: see above."
  as_postgres "$PGBIN/pg_verifybackup" --quiet "$unfinished" || fail "The base backup is damaged, and was not kept."
  base=$BACKUPS/base/$(date -u +%Y%m%dT%H%M%SZ)
  as_postgres mv "$unfinished" "$base"
  printf 'The base backup is in %s.\n' "$base"
}

prune() {
  local keep=${1:-} oldest first
  [[ $keep =~ ^[1-9][0-9]*$ ]] || fail "Name how many base backups are to be kept: $0 prune 7"
  oldest=$(bases | tail -n "$keep" | head -n 1)
  [ -n "$oldest" ] || fail "There is no base backup in $BACKUPS."
  bases | while read -r each; do
    [[ $each < $oldest ]] && as_postgres rm -rf "${BACKUPS:?}/base/$each"
  done || true
  first=$(sed -n 's/^START WAL LOCATION: .* (file \([0-9A-F]*\))$/\1/p' "$BACKUPS/base/$oldest/backup_label")
  as_postgres "$PGBIN/pg_archivecleanup" "$BACKUPS/wal" "$first"
}

restore() {
  local to='' target base
  if [ "${1:-}" = --to ]; then
    to=$(date -u -d "${2:-}" '+%Y-%m-%d %H:%M:%S.%6N+00') || fail "This is no time: ${2:-}. Write it as '2026-03-02 09:00:00 UTC'."
    shift 2
  fi
  target=${1:-}
  [ -n "$target" ] || fail "Name the data directory that is to be made: $0 restore --to TIME TARGET"
  [ ! -e "$target" ] || fail "$target is there already: name a directory that is not, or move that one away."
  base=$(bases | awk -v to="${to:+$(date -u -d "$to" +%Y%m%dT%H%M%SZ)}" 'to == "" || $0 < to' | tail -n 1)
  [ -n "$base" ] || fail "No base backup in $BACKUPS is from before ${to:-now}."
  as_postgres "$PGBIN/pg_verifybackup" --quiet "$BACKUPS/base/$base" || fail "$BACKUPS/base/$base is damaged: try an older one."
  as_postgres cp -a --reflink=auto "$BACKUPS/base/$base" "$target" || fail "$target cannot be written."
  as_postgres rm -f "$target/standby.signal" "$target/backup_manifest"
  {
    printf "restore_command = 'cp \"%s/wal/%%f\" \"%%p\" 2> /dev/null || cp \"%s/wal/%%f.partial\" \"%%p\"'\n" "$BACKUPS" "$BACKUPS"
    [ -z "$to" ] || printf "recovery_target_time = '%s'\n" "$to"
    printf "recovery_target_action = 'promote'\n"
    printf "synchronous_standby_names = ''  # the standbys of then do not follow this server\n"
  } | as_postgres tee -a "$target/postgresql.auto.conf" > /dev/null
  as_postgres touch "$target/recovery.signal"
  printf '%s is made from %s; it is brought to %s when it is started, as `%s check %s` does.\n' \
    "$target" "$base" "${to:-the end of the WAL}" "$0" "$target"
}

# The server has settings and rules of its own meanwhile, so that nobody else reaches it, whatever the old one had.
check() {
  local database=${2:-ghsync} role=${3:-ghsync}
  target=${1:-}
  [ -f "$target/PG_VERSION" ] || fail "Name a data directory that was restored: $0 check TARGET [DATABASE [ROLE]]"
  room=$(as_postgres mktemp -d)
  as_postgres sh -c "echo 'local all all trust' > '$room/pg_hba.conf'; : > '$room/pg_ident.conf'; : > '$room/postgresql.conf'"
  trap stop_server EXIT
  as_postgres "$PGBIN/pg_ctl" -D "$target" -l "$room/log" -w -t "$START_SECONDS" -s -o "-c config_file=$room/postgresql.conf \
    -c hba_file=$room/pg_hba.conf -c ident_file=$room/pg_ident.conf -c unix_socket_directories=$room -c port=5432 \
    -c listen_addresses= -c hot_standby=off -c archive_mode=off" start || {
    as_postgres cat "$room/log" >&2
    fail "$target cannot be started: see above. Where recovery ended before its target, WAL does not reach that moment."
  }
  export GHSYNC_DATABASE_URL="postgresql://$role@/$database?host=$room&port=5432"
  unset GHSYNC_DIRECT_DATABASE_URL
  "$GHSYNC" replay --verify || fail "$target is not what its own inbox says: see above."
  if [ -n "${GHSYNC_APP_ID:-}${GHSYNC_TOKEN:-}" ]; then
    printf 'What GitHub shows, and this does not yet:\n'
    "$GHSYNC" resync --all --dry-run || fail "GitHub cannot be read: see above."
  fi
  printf '%s is verified. Start it as your PostgreSQL, then heal it: `%s heal`, and `%s resync --all --full`.\n' \
    "$target" "$GHSYNC" "$GHSYNC"
}

stop_server() {
  as_postgres "$PGBIN/pg_ctl" -D "$target" -m fast -w -s stop || true
  as_postgres rm -rf "$room"
}

command=${1:-}
[ $# = 0 ] || shift
case $command in
  archive | backup | prune | restore | check) ;;
  *) fail "$(sed -n 's/^#   \(backup.sh .*\)/\1/p' "$0")" ;;
esac
find_programs
[ "$command" = check ] || need_backups
"$command" "$@"
