# backup, restore: one file with all that ./cinesync keeps on its embedded databases: accounts, library, keys, mail.
#
# The order matters: what the user service's copy says was handed over, the notification service's later copy has; what it
# says was not is handed over again after a restore, and is known there by its id.
# shellcheck shell=sh

BACKUP_FORMAT='cinesync-backup 1'

# Sets WORK, a private folder that goes with the script, and TREE in it, for what a backup holds.
work_make() { # PARENT
	WORK=$(umask 077 && mktemp -d "$1/.cinesync.XXXXXX" 2>/dev/null) || die "$EX_NOPERM" "cannot write into $1"
	trap 'rm -rf "$WORK"' EXIT
	trap 'exit 1' HUP INT TERM
	TREE=$WORK/tree
	mkdir "$TREE"
}

databases_embedded() {
	[ -z "${DATABASE_URL-}${DATABASE_URL_FILE-}${NOTIFICATION_DATABASE_URL-}${NOTIFICATION_DATABASE_URL_FILE-}" ] ||
		die "$EX_USAGE" "$COMMAND is for the embedded databases; docs/backup.md tells how a PostgreSQL server is backed up"
}

database_copy() { # SERVICE
	program=$BUILD/src/$1/cinesync-$1
	[ -x "$program" ] || die "$EX_UNAVAILABLE" "$program is not built; run ./cinesync build"
	env DATA_DIR="$DATA/$1" LOG_LEVEL=error "$program" backup "$TREE/$1/$1.db" >&2 || die "$EX_FAILED" "there is no backup"
}

# The keys, without which neither tokens nor sealed columns can be read.
keys_copy() {
	for key in "$DATA"/link.key "$DATA"/user/*.key "$DATA"/user/*.json; do
		[ ! -f "$key" ] || cp -p "$key" "$TREE/${key#"$DATA"/}" || die "$EX_FAILED" "cannot copy $key"
	done
	for key in MASTER_KEY_FILE SIGNING_KEY_FILE; do
		eval "key_file=\${$key-}"
		[ -z "$key_file" ] || warn "$key is not in the data folder, nor in the backup: keep a copy of $key_file yourself"
	done
}

# Mails are written beside and renamed: each that is there is whole.
mails_copy() {
	[ ! -d "$DATA/notification/mail" ] || find "$DATA/notification/mail" -name '*.eml' -type f -exec cp -p -t "$TREE/notification/mail" {} + ||
		die "$EX_FAILED" "cannot copy the mails"
}

backup() { # FILE
	[ -n "$1" ] || die "$EX_USAGE" 'backup needs the name of the file to write; see ./cinesync help'
	databases_embedded
	file=$(path_absolute "$1")
	[ ! -e "$file" ] || die "$EX_USAGE" "$file is there already; choose another name"
	[ -f "$DATA/user/user.db" ] || die "$EX_UNAVAILABLE" "there is nothing in $DATA; which folder is it (--data)?"
	umask 077
	work_make "$(dirname -- "$file")"
	mkdir -p "$TREE/user" "$TREE/notification/mail"
	keys_copy
	database_copy user
	[ ! -f "$DATA/notification/notification.db" ] || database_copy notification
	mails_copy
	{
		say "$BACKUP_FORMAT" "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
		(cd "$TREE" && find . -type f ! -name backup -exec sha256sum {} +)
	} >"$TREE/backup"
	if ! tar -C "$TREE" -czf "$WORK/archive" . || ! sync "$WORK/archive"; then
		die "$EX_FAILED" "cannot write $file"
	fi
	# A name that has come meanwhile is somebody else's.
	mv -n "$WORK/archive" "$file"
	[ ! -e "$WORK/archive" ] || die "$EX_FAILED" "cannot write $file"
	say "backed up $DATA into $file; it holds password hashes, keys and mail: keep it private"
}

# Unpacks into TREE. GNU tar refuses names that lead out of it.
archive_read() { # FILE
	[ -f "$1" ] || die "$EX_USAGE" "there is no file $1"
	tar -C "$TREE" --no-same-owner -xzf "$1" 2>/dev/null || die "$EX_FAILED" "$1 is damaged, or no backup of CineSync"
	IFS= read -r first <"$TREE/backup" || first=
	case $first in
	"$BACKUP_FORMAT "*) ;;
	'cinesync-backup '*) die "$EX_FAILED" "$1 is of a newer CineSync" ;;
	*) die "$EX_FAILED" "$1 is no backup of CineSync" ;;
	esac
	[ -z "$(find "$TREE" ! -type f ! -type d)" ] || die "$EX_FAILED" "$1 holds what no backup of CineSync does"
	(cd "$TREE" && sed 1d backup | sha256sum --check --strict --quiet) >/dev/null 2>&1 || die "$EX_FAILED" "$1 is damaged"
	[ -f "$TREE/user/user.db" ] || die "$EX_FAILED" "$1 is no backup of CineSync"
}

restore() { # FILE
	[ -n "$1" ] || die "$EX_USAGE" 'restore needs the name of a backup; see ./cinesync help'
	databases_embedded
	file=$(path_absolute "$1")
	if supervisor_lives; then
		die "$EX_UNAVAILABLE" "CineSync runs on $DATA: ./cinesync down first"
	fi
	for there in "$DATA/user" "$DATA/notification" "$DATA/link.key"; do
		[ ! -e "$there" ] || die "$EX_UNAVAILABLE" "$there is there already: move it away, or restore into another folder with --data"
	done
	umask 077
	mkdir -p "$DATA" 2>/dev/null || die "$EX_NOPERM" "cannot make the data folder $DATA; choose another with --data"
	chmod 700 "$DATA"
	work_make "$DATA"
	archive_read "$file"
	chmod -R go= "$TREE"
	# Until the last of these nothing is there that `up` would take for an account.
	if ! mv "$TREE/notification" "$TREE/link.key" "$DATA/" || ! mv "$TREE/user" "$DATA/"; then
		die "$EX_FAILED" "cannot write into $DATA"
	fi
	sync
	say "restored $file into $DATA; ./cinesync up goes on from there"
}
