# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_jagad_global_optspecs
    string join \n c/config= set= json progress= color= y/yes j/jobs= wait= timeout= no-notify v/verbose q/quiet log-level= log-format= log-file= h/help V/version
end

function __fish_jagad_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_jagad_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_jagad_using_subcommand
    set -l cmd (__fish_jagad_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c jagad -n "__fish_jagad_needs_command" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_needs_command" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_needs_command" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_needs_command" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_needs_command" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_needs_command" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_needs_command" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_needs_command" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_needs_command" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_needs_command" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_needs_command" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_needs_command" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_needs_command" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_needs_command" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_needs_command" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_needs_command" -s V -l version -d 'Print version'
complete -c jagad -n "__fish_jagad_needs_command" -f -a "backup" -d 'Back up databases now'
complete -c jagad -n "__fish_jagad_needs_command" -f -a "restore" -d 'Restore a backup into a server'
complete -c jagad -n "__fish_jagad_needs_command" -f -a "verify" -d 'Verify that backups are intact and can be restored'
complete -c jagad -n "__fish_jagad_needs_command" -f -a "list" -d 'List backups or restores, newest first'
complete -c jagad -n "__fish_jagad_needs_command" -f -a "ls" -d 'List backups or restores, newest first'
complete -c jagad -n "__fish_jagad_needs_command" -f -a "show" -d 'Show everything about one backup or restore'
complete -c jagad -n "__fish_jagad_needs_command" -f -a "logs" -d 'Show the log of one backup or restore'
complete -c jagad -n "__fish_jagad_needs_command" -f -a "download" -d 'Download the dump of a backup to a file'
complete -c jagad -n "__fish_jagad_needs_command" -f -a "decrypt" -d 'Decrypt a downloaded file with its key'
complete -c jagad -n "__fish_jagad_needs_command" -f -a "delete" -d 'Delete backups by hand'
complete -c jagad -n "__fish_jagad_needs_command" -f -a "rm" -d 'Delete backups by hand'
complete -c jagad -n "__fish_jagad_needs_command" -f -a "prune" -d 'Remove the backups that no policy keeps, and the data of interrupted runs'
complete -c jagad -n "__fish_jagad_needs_command" -f -a "policy" -d 'Show and change which policies protect databases'
complete -c jagad -n "__fish_jagad_needs_command" -f -a "schedule" -d 'Run due backups, list the next runs, and set up cron or systemd'
complete -c jagad -n "__fish_jagad_needs_command" -f -a "status" -d 'Show whether every database is safe'
complete -c jagad -n "__fish_jagad_needs_command" -f -a "pin" -d 'Protect a backup from deletion'
complete -c jagad -n "__fish_jagad_needs_command" -f -a "unpin" -d 'Remove the protection of a pinned backup'
complete -c jagad -n "__fish_jagad_needs_command" -f -a "unlock" -d 'Remove the lease of a dead run'
complete -c jagad -n "__fish_jagad_needs_command" -f -a "repository" -d 'Create a repository in a store'
complete -c jagad -n "__fish_jagad_needs_command" -f -a "check" -d 'Test stores, keys, databases and notifiers, and say how to fix what fails'
complete -c jagad -n "__fish_jagad_needs_command" -f -a "config" -d 'Create, check and show the configuration'
complete -c jagad -n "__fish_jagad_needs_command" -f -a "key" -d 'Manage encryption keys'
complete -c jagad -n "__fish_jagad_needs_command" -f -a "completions" -d 'Print a completion script for a shell'
complete -c jagad -n "__fish_jagad_needs_command" -f -a "man" -d 'Print the manual page'
complete -c jagad -n "__fish_jagad_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jagad -n "__fish_jagad_using_subcommand backup" -l label -d 'Entries with this label (repeatable)' -r
complete -c jagad -n "__fish_jagad_using_subcommand backup" -l type -d 'Full, or incremental: what changed since the last backup; a full is taken where there is none [default: full]' -r -f -a "full\t''
incremental\t''"
complete -c jagad -n "__fish_jagad_using_subcommand backup" -l dbname -d 'Only this logical database of the entry (repeatable)' -r
complete -c jagad -n "__fish_jagad_using_subcommand backup" -l store -d 'Store to write to [default: the entry\'s]' -r
complete -c jagad -n "__fish_jagad_using_subcommand backup" -l source -d 'Server to back up from [default: `source` of the entry]' -r -f -a "auto\t''
primary\t''
replica\t''"
complete -c jagad -n "__fish_jagad_using_subcommand backup" -l compression -d 'Compression [default: the entry\'s, zstd]' -r -f -a "zstd\t''
gzip\t''
none\t''"
complete -c jagad -n "__fish_jagad_using_subcommand backup" -l key -d 'Key to encrypt with [default: the entry\'s]' -r
complete -c jagad -n "__fish_jagad_using_subcommand backup" -l note -d 'Note to store with the backup' -r
complete -c jagad -n "__fish_jagad_using_subcommand backup" -l verify -d 'Verify the backup afterwards' -r -f -a "exists\t''
checksum\t''
read\t''
restore\t''"
complete -c jagad -n "__fish_jagad_using_subcommand backup" -l notify-on -d 'Send these events of this run to every notifier (separated by commas)' -r -f -a "backup_started\t''
backup_succeeded\t''
backup_failed\t''"
complete -c jagad -n "__fish_jagad_using_subcommand backup" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand backup" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand backup" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand backup" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand backup" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand backup" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand backup" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand backup" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand backup" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand backup" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand backup" -l all -d 'Every active entry'
complete -c jagad -n "__fish_jagad_using_subcommand backup" -l no-encrypt -d 'Do not encrypt'
complete -c jagad -n "__fish_jagad_using_subcommand backup" -l pin -d 'Pin the backup, so that it is not deleted'
complete -c jagad -n "__fish_jagad_using_subcommand backup" -l retain -d 'Afterwards remove the backups that the policy does not keep'
complete -c jagad -n "__fish_jagad_using_subcommand backup" -s n -l dry-run -l plan -d 'Show the commands without running them'
complete -c jagad -n "__fish_jagad_using_subcommand backup" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand backup" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand backup" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand backup" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand backup" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand backup" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l db -d 'The last backup of this database entry' -r
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l store -d 'Store of the backup [default: search all stores]' -r
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l target -d 'Database entry to restore into [default: the entry that was backed up]' -r
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l target-dir -d 'Write the files of a stopped server into this new or empty folder: of a physical backup with everything that it builds on, and of Redis' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l tablespace -d 'With --target-dir: put the tablespace with this OID into a new or empty folder (repeatable)' -r
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l scratch -d 'Physical backups with --dbname: make the throw-away server in this folder, which needs room for the files of the whole server [default: settings.tmp_dir]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l to-time -d 'With --target-dir, of a backup with method "pgbackrest": replay the server\'s log up to this time, as 2026-01-02T03:04:05Z [default: to the end of the backup]' -r
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l to-lsn -d 'The same, up to this place in the log, as 0/2000028' -r
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l to-xid -d 'The same, up to this transaction' -r
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l to-name -d 'The same, up to the restore point of this name' -r
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l into -d 'Name of the logical database on the target [default: its own]' -r
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l dbname -d 'Only this logical database of the backup (repeatable); of a physical backup, a throw-away server is made of its files to dump it' -r
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l schema -d 'Only this schema, into the existing database (repeatable)' -r
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l table -d 'Only this table (TABLE or SCHEMA.TABLE) with its indexes, constraints and privileges (repeatable)' -r
complete -c jagad -n "__fish_jagad_using_subcommand restore" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand restore" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l to-latest -d 'The same, to the end of the archived log'
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l exclusive -d 'With --to-time, --to-lsn or --to-xid: stop before it'
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l no-owner -d 'Do not restore owners: the connecting role owns everything'
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l no-privileges -d 'Do not restore grants'
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l no-tablespaces -d 'PostgreSQL: put everything into the target\'s default tablespace'
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l strip-definer -d 'MySQL and MariaDB: drop the definers of views, routines, triggers and events; the connecting user becomes the definer'
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l globals -d 'First create missing roles and tablespaces, or users'
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l clean -d 'Empty the target first. Redis: remove every key (otherwise a target with keys is refused). PostgreSQL: empty the existing database, for roles that may not create one (not atomic)'
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l own-name -d 'PostgreSQL: rename the existing database first and load the new one under its own name, for databases that work under no other; a failed restore renames it back'
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l safety-backup -d 'First back up the existing database, and pin that backup'
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l allow-errors -d 'Continue after failed statements, and report them (exit code 3)'
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l keep-going -d 'If one of several databases cannot be restored, restore the others (exit code 3)'
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l skip-verify -d 'Skip the check of all objects before and the row counts after; checksums are always checked'
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l allow-unauthenticated -d 'Also take a backup that no key of the configuration proves to be ours'
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l force -d 'Overwrite a protected entry'
complete -c jagad -n "__fish_jagad_using_subcommand restore" -s n -l plan -l dry-run -d 'Show every step and check that it is possible, without changing anything'
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand restore" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand restore" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand restore" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand restore" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand restore" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand verify" -l db -d 'The last backup of this entry (repeatable)' -r
complete -c jagad -n "__fish_jagad_using_subcommand verify" -l max-age -d 'Every backup whose last passed verification is older than this, not only the last; for example 7d' -r
complete -c jagad -n "__fish_jagad_using_subcommand verify" -l level -d 'Level: objects exist, checksums match, dumps can be read, or a restore into a throw-away server' -r -f -a "exists\t''
checksum\t''
read\t''
restore\t''"
complete -c jagad -n "__fish_jagad_using_subcommand verify" -l budget -d 'Start no further verification after this time, for example 1h' -r
complete -c jagad -n "__fish_jagad_using_subcommand verify" -l store -d 'Store of the backups [default: search all stores]' -r
complete -c jagad -n "__fish_jagad_using_subcommand verify" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand verify" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand verify" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand verify" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand verify" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand verify" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand verify" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand verify" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand verify" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand verify" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand verify" -l all -d 'The last backup of every active entry'
complete -c jagad -n "__fish_jagad_using_subcommand verify" -l every -d 'Every stored backup of these entries, not only the last'
complete -c jagad -n "__fish_jagad_using_subcommand verify" -l unverified -d 'Every backup that was never verified, not only the last'
complete -c jagad -n "__fish_jagad_using_subcommand verify" -l allow-unauthenticated -d 'Also take a backup that no key of the configuration proves to be ours'
complete -c jagad -n "__fish_jagad_using_subcommand verify" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand verify" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand verify" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand verify" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand verify" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand list" -l status -d 'Only with this status' -r -f -a "running\t''
success\t''
failed\t''"
complete -c jagad -n "__fish_jagad_using_subcommand list" -l store -d 'Only in this store' -r
complete -c jagad -n "__fish_jagad_using_subcommand list" -l limit -d 'Show at most this many, newest first' -r
complete -c jagad -n "__fish_jagad_using_subcommand list" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand list" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand list" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand list" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand list" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand list" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand list" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand list" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand list" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand list" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand list" -l restores -d 'List restores instead of backups; DB is the target entry'
complete -c jagad -n "__fish_jagad_using_subcommand list" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand list" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand list" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand list" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand list" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand ls" -l status -d 'Only with this status' -r -f -a "running\t''
success\t''
failed\t''"
complete -c jagad -n "__fish_jagad_using_subcommand ls" -l store -d 'Only in this store' -r
complete -c jagad -n "__fish_jagad_using_subcommand ls" -l limit -d 'Show at most this many, newest first' -r
complete -c jagad -n "__fish_jagad_using_subcommand ls" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand ls" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand ls" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand ls" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand ls" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand ls" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand ls" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand ls" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand ls" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand ls" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand ls" -l restores -d 'List restores instead of backups; DB is the target entry'
complete -c jagad -n "__fish_jagad_using_subcommand ls" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand ls" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand ls" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand ls" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand ls" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand show" -l store -d 'Store of the backup [default: search all stores]' -r
complete -c jagad -n "__fish_jagad_using_subcommand show" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand show" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand show" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand show" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand show" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand show" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand show" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand show" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand show" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand show" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand show" -l allow-unauthenticated -d 'Also take a backup that no key of the configuration proves to be ours'
complete -c jagad -n "__fish_jagad_using_subcommand show" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand show" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand show" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand show" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand show" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand logs" -l store -d 'Store of the backup [default: search all stores]' -r
complete -c jagad -n "__fish_jagad_using_subcommand logs" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand logs" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand logs" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand logs" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand logs" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand logs" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand logs" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand logs" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand logs" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand logs" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand logs" -l allow-unauthenticated -d 'Also take a backup that no key of the configuration proves to be ours'
complete -c jagad -n "__fish_jagad_using_subcommand logs" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand logs" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand logs" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand logs" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand logs" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand logs" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand download" -l store -d 'Store of the backup [default: search all stores]' -r
complete -c jagad -n "__fish_jagad_using_subcommand download" -l dbname -d 'Logical database, if the backup holds several; `globals` for roles and tablespaces' -r
complete -c jagad -n "__fish_jagad_using_subcommand download" -s o -l output -d 'File to write, or - for standard output [default: named after the database]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand download" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand download" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand download" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand download" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand download" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand download" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand download" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand download" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand download" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand download" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand download" -l allow-unauthenticated -d 'Also take a backup that no key of the configuration proves to be ours'
complete -c jagad -n "__fish_jagad_using_subcommand download" -l raw -d 'Write it as stored: compressed and encrypted'
complete -c jagad -n "__fish_jagad_using_subcommand download" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand download" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand download" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand download" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand download" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand download" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand decrypt" -l key-file -d 'Key file [default: every key of the configuration]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand decrypt" -s o -l output -d 'File to write, or - for standard output [default: the name without .enc and .zst]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand decrypt" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand decrypt" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand decrypt" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand decrypt" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand decrypt" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand decrypt" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand decrypt" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand decrypt" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand decrypt" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand decrypt" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand decrypt" -l compressed -d 'Leave it compressed'
complete -c jagad -n "__fish_jagad_using_subcommand decrypt" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand decrypt" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand decrypt" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand decrypt" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand decrypt" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand decrypt" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand delete" -l store -d 'Store of the backups [default: search all stores]' -r
complete -c jagad -n "__fish_jagad_using_subcommand delete" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand delete" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand delete" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand delete" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand delete" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand delete" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand delete" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand delete" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand delete" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand delete" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand delete" -l delete-last-good -d 'Also delete the last good backup of a database, which --yes alone does not'
complete -c jagad -n "__fish_jagad_using_subcommand delete" -l allow-unauthenticated -d 'Also take a backup that no key of the configuration proves to be ours'
complete -c jagad -n "__fish_jagad_using_subcommand delete" -s n -l dry-run -l plan -d 'Show the backups without deleting them'
complete -c jagad -n "__fish_jagad_using_subcommand delete" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand delete" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand delete" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand delete" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand delete" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand rm" -l store -d 'Store of the backups [default: search all stores]' -r
complete -c jagad -n "__fish_jagad_using_subcommand rm" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand rm" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand rm" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand rm" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand rm" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand rm" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand rm" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand rm" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand rm" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand rm" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand rm" -l delete-last-good -d 'Also delete the last good backup of a database, which --yes alone does not'
complete -c jagad -n "__fish_jagad_using_subcommand rm" -l allow-unauthenticated -d 'Also take a backup that no key of the configuration proves to be ours'
complete -c jagad -n "__fish_jagad_using_subcommand rm" -s n -l dry-run -l plan -d 'Show the backups without deleting them'
complete -c jagad -n "__fish_jagad_using_subcommand rm" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand rm" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand rm" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand rm" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand rm" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand rm" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand prune" -l db -d 'Only this database entry (repeatable) [default: all entries with a policy]' -r
complete -c jagad -n "__fish_jagad_using_subcommand prune" -l policy -d 'Only the databases under this policy' -r
complete -c jagad -n "__fish_jagad_using_subcommand prune" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand prune" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand prune" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand prune" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand prune" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand prune" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand prune" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand prune" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand prune" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand prune" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand prune" -s n -l dry-run -l plan -d 'Show which backups would be kept or removed, and why, without removing any'
complete -c jagad -n "__fish_jagad_using_subcommand prune" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand prune" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand prune" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand prune" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand prune" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand prune" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and not __fish_seen_subcommand_from attach detach list show pause resume apply help" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand policy; and not __fish_seen_subcommand_from attach detach list show pause resume apply help" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and not __fish_seen_subcommand_from attach detach list show pause resume apply help" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand policy; and not __fish_seen_subcommand_from attach detach list show pause resume apply help" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand policy; and not __fish_seen_subcommand_from attach detach list show pause resume apply help" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and not __fish_seen_subcommand_from attach detach list show pause resume apply help" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and not __fish_seen_subcommand_from attach detach list show pause resume apply help" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and not __fish_seen_subcommand_from attach detach list show pause resume apply help" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and not __fish_seen_subcommand_from attach detach list show pause resume apply help" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and not __fish_seen_subcommand_from attach detach list show pause resume apply help" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand policy; and not __fish_seen_subcommand_from attach detach list show pause resume apply help" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and not __fish_seen_subcommand_from attach detach list show pause resume apply help" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and not __fish_seen_subcommand_from attach detach list show pause resume apply help" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and not __fish_seen_subcommand_from attach detach list show pause resume apply help" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and not __fish_seen_subcommand_from attach detach list show pause resume apply help" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and not __fish_seen_subcommand_from attach detach list show pause resume apply help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and not __fish_seen_subcommand_from attach detach list show pause resume apply help" -f -a "attach" -d 'Attach databases to a policy, and take the first full backup of each'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and not __fish_seen_subcommand_from attach detach list show pause resume apply help" -f -a "detach" -d 'Detach databases from their policy; their backups stay'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and not __fish_seen_subcommand_from attach detach list show pause resume apply help" -f -a "list" -d 'List policies'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and not __fish_seen_subcommand_from attach detach list show pause resume apply help" -f -a "show" -d 'Show one policy and its attached databases'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and not __fish_seen_subcommand_from attach detach list show pause resume apply help" -f -a "pause" -d 'Pause the schedule of databases until they are resumed'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and not __fish_seen_subcommand_from attach detach list show pause resume apply help" -f -a "resume" -d 'Resume paused databases and reset their failure count'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and not __fish_seen_subcommand_from attach detach list show pause resume apply help" -f -a "apply" -d 'Attach and detach databases so that they match the configuration'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and not __fish_seen_subcommand_from attach detach list show pause resume apply help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from attach" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from attach" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from attach" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from attach" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from attach" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from attach" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from attach" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from attach" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from attach" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from attach" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from attach" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from attach" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from attach" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from attach" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from attach" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from attach" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from detach" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from detach" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from detach" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from detach" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from detach" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from detach" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from detach" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from detach" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from detach" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from detach" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from detach" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from detach" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from detach" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from detach" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from detach" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from detach" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from list" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from list" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from list" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from list" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from list" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from list" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from list" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from list" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from list" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from list" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from list" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from list" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from list" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from show" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from show" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from show" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from show" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from show" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from show" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from show" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from show" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from show" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from show" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from show" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from show" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from show" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from pause" -l policy -d 'All databases attached to this policy' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from pause" -l note -d 'Why' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from pause" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from pause" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from pause" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from pause" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from pause" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from pause" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from pause" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from pause" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from pause" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from pause" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from pause" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from pause" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from pause" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from pause" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from pause" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from pause" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from resume" -l policy -d 'All databases attached to this policy' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from resume" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from resume" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from resume" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from resume" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from resume" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from resume" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from resume" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from resume" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from resume" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from resume" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from resume" -l now -d 'Make up for a missed run with the next tick'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from resume" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from resume" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from resume" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from resume" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from resume" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from resume" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from apply" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from apply" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from apply" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from apply" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from apply" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from apply" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from apply" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from apply" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from apply" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from apply" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from apply" -s n -l dry-run -l plan -d 'Show the changes without making them'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from apply" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from apply" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from apply" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from apply" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from apply" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from apply" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from help" -f -a "attach" -d 'Attach databases to a policy, and take the first full backup of each'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from help" -f -a "detach" -d 'Detach databases from their policy; their backups stay'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from help" -f -a "list" -d 'List policies'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show one policy and its attached databases'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from help" -f -a "pause" -d 'Pause the schedule of databases until they are resumed'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from help" -f -a "resume" -d 'Resume paused databases and reset their failure count'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from help" -f -a "apply" -d 'Attach and detach databases so that they match the configuration'
complete -c jagad -n "__fish_jagad_using_subcommand policy; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and not __fish_seen_subcommand_from run list install help" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and not __fish_seen_subcommand_from run list install help" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and not __fish_seen_subcommand_from run list install help" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and not __fish_seen_subcommand_from run list install help" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and not __fish_seen_subcommand_from run list install help" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and not __fish_seen_subcommand_from run list install help" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and not __fish_seen_subcommand_from run list install help" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and not __fish_seen_subcommand_from run list install help" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and not __fish_seen_subcommand_from run list install help" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and not __fish_seen_subcommand_from run list install help" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and not __fish_seen_subcommand_from run list install help" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and not __fish_seen_subcommand_from run list install help" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and not __fish_seen_subcommand_from run list install help" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and not __fish_seen_subcommand_from run list install help" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and not __fish_seen_subcommand_from run list install help" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and not __fish_seen_subcommand_from run list install help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and not __fish_seen_subcommand_from run list install help" -f -a "run" -d 'Take every backup that is due now, then exit'
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and not __fish_seen_subcommand_from run list install help" -f -a "list" -d 'Show the next runs'
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and not __fish_seen_subcommand_from run list install help" -f -a "install" -d 'Write systemd units or a crontab line that call `schedule run`'
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and not __fish_seen_subcommand_from run list install help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from run" -l db -d 'Only these database entries' -r
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from run" -l policy -d 'Only databases attached to this policy' -r
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from run" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from run" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from run" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from run" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from run" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from run" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from run" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from run" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from run" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from run" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from run" -l now -d 'Take a full backup of every selected database, due or not'
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from run" -s n -l dry-run -l plan -d 'Show which backups are due without running them'
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from run" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from run" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from run" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from run" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from run" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from list" -l policy -d 'Only databases attached to this policy' -r
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from list" -l count -d 'Number of runs to show for each' -r
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from list" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from list" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from list" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from list" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from list" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from list" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from list" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from list" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from list" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from list" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from list" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from list" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from list" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from install" -l every -d 'Time between two ticks' -r
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from install" -l user -d 'Account that runs the ticks' -r
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from install" -s o -l output -d 'Folder to write to, such as /etc/systemd/system or /etc/cron.d [default: print]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from install" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from install" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from install" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from install" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from install" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from install" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from install" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from install" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from install" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from install" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from install" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from install" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from install" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from install" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from install" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from install" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from help" -f -a "run" -d 'Take every backup that is due now, then exit'
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from help" -f -a "list" -d 'Show the next runs'
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from help" -f -a "install" -d 'Write systemd units or a crontab line that call `schedule run`'
complete -c jagad -n "__fish_jagad_using_subcommand schedule; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jagad -n "__fish_jagad_using_subcommand status" -l policy -d 'Only databases attached to this policy' -r
complete -c jagad -n "__fish_jagad_using_subcommand status" -l format -d 'Output format' -r -f -a "table\t'Text'
json\t'For machines (the same as --json)'
csv\t'A line for each database'
prometheus\t'Metrics'"
complete -c jagad -n "__fish_jagad_using_subcommand status" -l textfile -d 'Also write metrics to this file, for the textfile collector of node_exporter' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand status" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand status" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand status" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand status" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand status" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand status" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand status" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand status" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand status" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand status" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand status" -l check -d 'Exit with code 20 when anything is wrong'
complete -c jagad -n "__fish_jagad_using_subcommand status" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand status" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand status" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand status" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand status" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand pin" -l store -d 'Store of the backup [default: search all stores]' -r
complete -c jagad -n "__fish_jagad_using_subcommand pin" -l note -d 'Why' -r
complete -c jagad -n "__fish_jagad_using_subcommand pin" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand pin" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand pin" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand pin" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand pin" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand pin" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand pin" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand pin" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand pin" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand pin" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand pin" -l allow-unauthenticated -d 'Also take a backup that no key of the configuration proves to be ours'
complete -c jagad -n "__fish_jagad_using_subcommand pin" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand pin" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand pin" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand pin" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand pin" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand pin" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand unpin" -l store -d 'Store of the backup [default: search all stores]' -r
complete -c jagad -n "__fish_jagad_using_subcommand unpin" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand unpin" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand unpin" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand unpin" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand unpin" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand unpin" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand unpin" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand unpin" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand unpin" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand unpin" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand unpin" -l allow-unauthenticated -d 'Also take a backup that no key of the configuration proves to be ours'
complete -c jagad -n "__fish_jagad_using_subcommand unpin" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand unpin" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand unpin" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand unpin" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand unpin" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand unpin" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand unlock" -l store -d 'Store of the lease [default: the entry\'s]' -r
complete -c jagad -n "__fish_jagad_using_subcommand unlock" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand unlock" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand unlock" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand unlock" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand unlock" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand unlock" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand unlock" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand unlock" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand unlock" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand unlock" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand unlock" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand unlock" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand unlock" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand unlock" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand unlock" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand unlock" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand repository; and not __fish_seen_subcommand_from init help" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand repository; and not __fish_seen_subcommand_from init help" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand repository; and not __fish_seen_subcommand_from init help" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand repository; and not __fish_seen_subcommand_from init help" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand repository; and not __fish_seen_subcommand_from init help" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand repository; and not __fish_seen_subcommand_from init help" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand repository; and not __fish_seen_subcommand_from init help" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand repository; and not __fish_seen_subcommand_from init help" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand repository; and not __fish_seen_subcommand_from init help" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand repository; and not __fish_seen_subcommand_from init help" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand repository; and not __fish_seen_subcommand_from init help" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand repository; and not __fish_seen_subcommand_from init help" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand repository; and not __fish_seen_subcommand_from init help" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand repository; and not __fish_seen_subcommand_from init help" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand repository; and not __fish_seen_subcommand_from init help" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand repository; and not __fish_seen_subcommand_from init help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand repository; and not __fish_seen_subcommand_from init help" -f -a "init" -d 'Make the repository, and the directory of a local store; one that is there stays as it is'
complete -c jagad -n "__fish_jagad_using_subcommand repository; and not __fish_seen_subcommand_from init help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jagad -n "__fish_jagad_using_subcommand repository; and __fish_seen_subcommand_from init" -l store -d 'Store [default: the default one]' -r
complete -c jagad -n "__fish_jagad_using_subcommand repository; and __fish_seen_subcommand_from init" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand repository; and __fish_seen_subcommand_from init" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand repository; and __fish_seen_subcommand_from init" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand repository; and __fish_seen_subcommand_from init" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand repository; and __fish_seen_subcommand_from init" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand repository; and __fish_seen_subcommand_from init" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand repository; and __fish_seen_subcommand_from init" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand repository; and __fish_seen_subcommand_from init" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand repository; and __fish_seen_subcommand_from init" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand repository; and __fish_seen_subcommand_from init" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand repository; and __fish_seen_subcommand_from init" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand repository; and __fish_seen_subcommand_from init" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand repository; and __fish_seen_subcommand_from init" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand repository; and __fish_seen_subcommand_from init" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand repository; and __fish_seen_subcommand_from init" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand repository; and __fish_seen_subcommand_from init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand repository; and __fish_seen_subcommand_from help" -f -a "init" -d 'Make the repository, and the directory of a local store; one that is there stays as it is'
complete -c jagad -n "__fish_jagad_using_subcommand repository; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jagad -n "__fish_jagad_using_subcommand check" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand check" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand check" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand check" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand check" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand check" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand check" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand check" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand check" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand check" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand check" -l send-test -d 'Send a test message through every notifier that is checked'
complete -c jagad -n "__fish_jagad_using_subcommand check" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand check" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand check" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand check" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand check" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand config; and not __fish_seen_subcommand_from init check show example help" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand config; and not __fish_seen_subcommand_from init check show example help" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand config; and not __fish_seen_subcommand_from init check show example help" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand config; and not __fish_seen_subcommand_from init check show example help" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand config; and not __fish_seen_subcommand_from init check show example help" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand config; and not __fish_seen_subcommand_from init check show example help" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand config; and not __fish_seen_subcommand_from init check show example help" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand config; and not __fish_seen_subcommand_from init check show example help" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand config; and not __fish_seen_subcommand_from init check show example help" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand config; and not __fish_seen_subcommand_from init check show example help" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand config; and not __fish_seen_subcommand_from init check show example help" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand config; and not __fish_seen_subcommand_from init check show example help" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand config; and not __fish_seen_subcommand_from init check show example help" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand config; and not __fish_seen_subcommand_from init check show example help" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand config; and not __fish_seen_subcommand_from init check show example help" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand config; and not __fish_seen_subcommand_from init check show example help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand config; and not __fish_seen_subcommand_from init check show example help" -f -a "init" -d 'Write a first configuration and its key'
complete -c jagad -n "__fish_jagad_using_subcommand config; and not __fish_seen_subcommand_from init check show example help" -f -a "check" -d 'Read the configuration and say what is wrong with it'
complete -c jagad -n "__fish_jagad_using_subcommand config; and not __fish_seen_subcommand_from init check show example help" -f -a "show" -d 'Show what the configuration means, without secrets'
complete -c jagad -n "__fish_jagad_using_subcommand config; and not __fish_seen_subcommand_from init check show example help" -f -a "example" -d 'Print a configuration with every key there is, explained'
complete -c jagad -n "__fish_jagad_using_subcommand config; and not __fish_seen_subcommand_from init check show example help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from init" -l key-dir -d 'Folder for the key [default: keys, beside the configuration]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from init" -l store -d 'First store: s3, or a directory' -r
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from init" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from init" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from init" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from init" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from init" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from init" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from init" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from init" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from init" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from init" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from init" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from init" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from init" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from init" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from init" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from check" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from check" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from check" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from check" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from check" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from check" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from check" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from check" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from check" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from check" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from check" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from check" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from check" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from check" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from check" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from show" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from show" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from show" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from show" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from show" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from show" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from show" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from show" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from show" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from show" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from show" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from show" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from show" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from example" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from example" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from example" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from example" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from example" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from example" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from example" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from example" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from example" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from example" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from example" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from example" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from example" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from example" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from example" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from example" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "init" -d 'Write a first configuration and its key'
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "check" -d 'Read the configuration and say what is wrong with it'
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show what the configuration means, without secrets'
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "example" -d 'Print a configuration with every key there is, explained'
complete -c jagad -n "__fish_jagad_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jagad -n "__fish_jagad_using_subcommand key; and not __fish_seen_subcommand_from generate list rotate export help" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand key; and not __fish_seen_subcommand_from generate list rotate export help" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand key; and not __fish_seen_subcommand_from generate list rotate export help" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand key; and not __fish_seen_subcommand_from generate list rotate export help" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand key; and not __fish_seen_subcommand_from generate list rotate export help" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand key; and not __fish_seen_subcommand_from generate list rotate export help" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand key; and not __fish_seen_subcommand_from generate list rotate export help" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand key; and not __fish_seen_subcommand_from generate list rotate export help" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand key; and not __fish_seen_subcommand_from generate list rotate export help" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand key; and not __fish_seen_subcommand_from generate list rotate export help" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand key; and not __fish_seen_subcommand_from generate list rotate export help" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand key; and not __fish_seen_subcommand_from generate list rotate export help" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand key; and not __fish_seen_subcommand_from generate list rotate export help" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand key; and not __fish_seen_subcommand_from generate list rotate export help" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand key; and not __fish_seen_subcommand_from generate list rotate export help" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand key; and not __fish_seen_subcommand_from generate list rotate export help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand key; and not __fish_seen_subcommand_from generate list rotate export help" -f -a "generate" -d 'Make a new key file'
complete -c jagad -n "__fish_jagad_using_subcommand key; and not __fish_seen_subcommand_from generate list rotate export help" -f -a "list" -d 'Show the keys of the configuration'
complete -c jagad -n "__fish_jagad_using_subcommand key; and not __fish_seen_subcommand_from generate list rotate export help" -f -a "rotate" -d 'Make a new key, and keep the old one for old backups'
complete -c jagad -n "__fish_jagad_using_subcommand key; and not __fish_seen_subcommand_from generate list rotate export help" -f -a "export" -d 'Hand out a key for safe keeping'
complete -c jagad -n "__fish_jagad_using_subcommand key; and not __fish_seen_subcommand_from generate list rotate export help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from generate" -s o -l output -d 'File to write [default: the one that the configuration declares, or NAME.key]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from generate" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from generate" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from generate" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from generate" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from generate" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from generate" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from generate" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from generate" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from generate" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from generate" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from generate" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from generate" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from generate" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from generate" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from generate" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from generate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from list" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from list" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from list" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from list" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from list" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from list" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from list" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from list" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from list" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from list" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from list" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from list" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from list" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from rotate" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from rotate" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from rotate" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from rotate" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from rotate" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from rotate" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from rotate" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from rotate" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from rotate" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from rotate" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from rotate" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from rotate" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from rotate" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from rotate" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from rotate" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from rotate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from export" -s o -l output -d 'File to write (0600) instead of standard output' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from export" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from export" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from export" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from export" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from export" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from export" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from export" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from export" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from export" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from export" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from export" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from export" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from export" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from export" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from export" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from help" -f -a "generate" -d 'Make a new key file'
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from help" -f -a "list" -d 'Show the keys of the configuration'
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from help" -f -a "rotate" -d 'Make a new key, and keep the old one for old backups'
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from help" -f -a "export" -d 'Hand out a key for safe keeping'
complete -c jagad -n "__fish_jagad_using_subcommand key; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jagad -n "__fish_jagad_using_subcommand completions" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand completions" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand completions" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand completions" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand completions" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand completions" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand completions" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand completions" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand completions" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand completions" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand completions" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand completions" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand completions" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand completions" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand completions" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand man" -s c -l config -d 'Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand man" -l set -d 'Override one configuration key, for example --set settings.max_concurrent=1' -r
complete -c jagad -n "__fish_jagad_using_subcommand man" -l progress -d 'How to show progress on standard error' -r -f -a "auto\t'Bars on a terminal, else plain lines'
bar\t'Bars'
plain\t'A line now and then'
json\t'A line of JSON now and then'
none\t'Nothing'"
complete -c jagad -n "__fish_jagad_using_subcommand man" -l color -d 'Colours on standard error and in tables' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c jagad -n "__fish_jagad_using_subcommand man" -s j -l jobs -d 'Run at most this many backups at once [default: settings.max_concurrent]' -r
complete -c jagad -n "__fish_jagad_using_subcommand man" -l wait -d 'Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]' -r
complete -c jagad -n "__fish_jagad_using_subcommand man" -l timeout -d 'Stop a backup that takes longer, for example 6h [default: settings.timeout]' -r
complete -c jagad -n "__fish_jagad_using_subcommand man" -l log-level -d 'Log level, instead of -v and -q' -r
complete -c jagad -n "__fish_jagad_using_subcommand man" -l log-format -d 'Format of log lines' -r
complete -c jagad -n "__fish_jagad_using_subcommand man" -l log-file -d 'Append the log to a file as well' -r -F
complete -c jagad -n "__fish_jagad_using_subcommand man" -l json -d 'Print data as JSON on standard output'
complete -c jagad -n "__fish_jagad_using_subcommand man" -s y -l yes -d 'Answer yes to every confirmation'
complete -c jagad -n "__fish_jagad_using_subcommand man" -l no-notify -d 'Send no notifications'
complete -c jagad -n "__fish_jagad_using_subcommand man" -s v -l verbose -d 'Log more (-vv for everything)'
complete -c jagad -n "__fish_jagad_using_subcommand man" -s q -l quiet -d 'Log only warnings and errors'
complete -c jagad -n "__fish_jagad_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jagad -n "__fish_jagad_using_subcommand help; and not __fish_seen_subcommand_from backup restore verify list show logs download decrypt delete prune policy schedule status pin unpin unlock repository check config key completions man help" -f -a "backup" -d 'Back up databases now'
complete -c jagad -n "__fish_jagad_using_subcommand help; and not __fish_seen_subcommand_from backup restore verify list show logs download decrypt delete prune policy schedule status pin unpin unlock repository check config key completions man help" -f -a "restore" -d 'Restore a backup into a server'
complete -c jagad -n "__fish_jagad_using_subcommand help; and not __fish_seen_subcommand_from backup restore verify list show logs download decrypt delete prune policy schedule status pin unpin unlock repository check config key completions man help" -f -a "verify" -d 'Verify that backups are intact and can be restored'
complete -c jagad -n "__fish_jagad_using_subcommand help; and not __fish_seen_subcommand_from backup restore verify list show logs download decrypt delete prune policy schedule status pin unpin unlock repository check config key completions man help" -f -a "list" -d 'List backups or restores, newest first'
complete -c jagad -n "__fish_jagad_using_subcommand help; and not __fish_seen_subcommand_from backup restore verify list show logs download decrypt delete prune policy schedule status pin unpin unlock repository check config key completions man help" -f -a "show" -d 'Show everything about one backup or restore'
complete -c jagad -n "__fish_jagad_using_subcommand help; and not __fish_seen_subcommand_from backup restore verify list show logs download decrypt delete prune policy schedule status pin unpin unlock repository check config key completions man help" -f -a "logs" -d 'Show the log of one backup or restore'
complete -c jagad -n "__fish_jagad_using_subcommand help; and not __fish_seen_subcommand_from backup restore verify list show logs download decrypt delete prune policy schedule status pin unpin unlock repository check config key completions man help" -f -a "download" -d 'Download the dump of a backup to a file'
complete -c jagad -n "__fish_jagad_using_subcommand help; and not __fish_seen_subcommand_from backup restore verify list show logs download decrypt delete prune policy schedule status pin unpin unlock repository check config key completions man help" -f -a "decrypt" -d 'Decrypt a downloaded file with its key'
complete -c jagad -n "__fish_jagad_using_subcommand help; and not __fish_seen_subcommand_from backup restore verify list show logs download decrypt delete prune policy schedule status pin unpin unlock repository check config key completions man help" -f -a "delete" -d 'Delete backups by hand'
complete -c jagad -n "__fish_jagad_using_subcommand help; and not __fish_seen_subcommand_from backup restore verify list show logs download decrypt delete prune policy schedule status pin unpin unlock repository check config key completions man help" -f -a "prune" -d 'Remove the backups that no policy keeps, and the data of interrupted runs'
complete -c jagad -n "__fish_jagad_using_subcommand help; and not __fish_seen_subcommand_from backup restore verify list show logs download decrypt delete prune policy schedule status pin unpin unlock repository check config key completions man help" -f -a "policy" -d 'Show and change which policies protect databases'
complete -c jagad -n "__fish_jagad_using_subcommand help; and not __fish_seen_subcommand_from backup restore verify list show logs download decrypt delete prune policy schedule status pin unpin unlock repository check config key completions man help" -f -a "schedule" -d 'Run due backups, list the next runs, and set up cron or systemd'
complete -c jagad -n "__fish_jagad_using_subcommand help; and not __fish_seen_subcommand_from backup restore verify list show logs download decrypt delete prune policy schedule status pin unpin unlock repository check config key completions man help" -f -a "status" -d 'Show whether every database is safe'
complete -c jagad -n "__fish_jagad_using_subcommand help; and not __fish_seen_subcommand_from backup restore verify list show logs download decrypt delete prune policy schedule status pin unpin unlock repository check config key completions man help" -f -a "pin" -d 'Protect a backup from deletion'
complete -c jagad -n "__fish_jagad_using_subcommand help; and not __fish_seen_subcommand_from backup restore verify list show logs download decrypt delete prune policy schedule status pin unpin unlock repository check config key completions man help" -f -a "unpin" -d 'Remove the protection of a pinned backup'
complete -c jagad -n "__fish_jagad_using_subcommand help; and not __fish_seen_subcommand_from backup restore verify list show logs download decrypt delete prune policy schedule status pin unpin unlock repository check config key completions man help" -f -a "unlock" -d 'Remove the lease of a dead run'
complete -c jagad -n "__fish_jagad_using_subcommand help; and not __fish_seen_subcommand_from backup restore verify list show logs download decrypt delete prune policy schedule status pin unpin unlock repository check config key completions man help" -f -a "repository" -d 'Create a repository in a store'
complete -c jagad -n "__fish_jagad_using_subcommand help; and not __fish_seen_subcommand_from backup restore verify list show logs download decrypt delete prune policy schedule status pin unpin unlock repository check config key completions man help" -f -a "check" -d 'Test stores, keys, databases and notifiers, and say how to fix what fails'
complete -c jagad -n "__fish_jagad_using_subcommand help; and not __fish_seen_subcommand_from backup restore verify list show logs download decrypt delete prune policy schedule status pin unpin unlock repository check config key completions man help" -f -a "config" -d 'Create, check and show the configuration'
complete -c jagad -n "__fish_jagad_using_subcommand help; and not __fish_seen_subcommand_from backup restore verify list show logs download decrypt delete prune policy schedule status pin unpin unlock repository check config key completions man help" -f -a "key" -d 'Manage encryption keys'
complete -c jagad -n "__fish_jagad_using_subcommand help; and not __fish_seen_subcommand_from backup restore verify list show logs download decrypt delete prune policy schedule status pin unpin unlock repository check config key completions man help" -f -a "completions" -d 'Print a completion script for a shell'
complete -c jagad -n "__fish_jagad_using_subcommand help; and not __fish_seen_subcommand_from backup restore verify list show logs download decrypt delete prune policy schedule status pin unpin unlock repository check config key completions man help" -f -a "man" -d 'Print the manual page'
complete -c jagad -n "__fish_jagad_using_subcommand help; and not __fish_seen_subcommand_from backup restore verify list show logs download decrypt delete prune policy schedule status pin unpin unlock repository check config key completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jagad -n "__fish_jagad_using_subcommand help; and __fish_seen_subcommand_from policy" -f -a "attach" -d 'Attach databases to a policy, and take the first full backup of each'
complete -c jagad -n "__fish_jagad_using_subcommand help; and __fish_seen_subcommand_from policy" -f -a "detach" -d 'Detach databases from their policy; their backups stay'
complete -c jagad -n "__fish_jagad_using_subcommand help; and __fish_seen_subcommand_from policy" -f -a "list" -d 'List policies'
complete -c jagad -n "__fish_jagad_using_subcommand help; and __fish_seen_subcommand_from policy" -f -a "show" -d 'Show one policy and its attached databases'
complete -c jagad -n "__fish_jagad_using_subcommand help; and __fish_seen_subcommand_from policy" -f -a "pause" -d 'Pause the schedule of databases until they are resumed'
complete -c jagad -n "__fish_jagad_using_subcommand help; and __fish_seen_subcommand_from policy" -f -a "resume" -d 'Resume paused databases and reset their failure count'
complete -c jagad -n "__fish_jagad_using_subcommand help; and __fish_seen_subcommand_from policy" -f -a "apply" -d 'Attach and detach databases so that they match the configuration'
complete -c jagad -n "__fish_jagad_using_subcommand help; and __fish_seen_subcommand_from schedule" -f -a "run" -d 'Take every backup that is due now, then exit'
complete -c jagad -n "__fish_jagad_using_subcommand help; and __fish_seen_subcommand_from schedule" -f -a "list" -d 'Show the next runs'
complete -c jagad -n "__fish_jagad_using_subcommand help; and __fish_seen_subcommand_from schedule" -f -a "install" -d 'Write systemd units or a crontab line that call `schedule run`'
complete -c jagad -n "__fish_jagad_using_subcommand help; and __fish_seen_subcommand_from repository" -f -a "init" -d 'Make the repository, and the directory of a local store; one that is there stays as it is'
complete -c jagad -n "__fish_jagad_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "init" -d 'Write a first configuration and its key'
complete -c jagad -n "__fish_jagad_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "check" -d 'Read the configuration and say what is wrong with it'
complete -c jagad -n "__fish_jagad_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "show" -d 'Show what the configuration means, without secrets'
complete -c jagad -n "__fish_jagad_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "example" -d 'Print a configuration with every key there is, explained'
complete -c jagad -n "__fish_jagad_using_subcommand help; and __fish_seen_subcommand_from key" -f -a "generate" -d 'Make a new key file'
complete -c jagad -n "__fish_jagad_using_subcommand help; and __fish_seen_subcommand_from key" -f -a "list" -d 'Show the keys of the configuration'
complete -c jagad -n "__fish_jagad_using_subcommand help; and __fish_seen_subcommand_from key" -f -a "rotate" -d 'Make a new key, and keep the old one for old backups'
complete -c jagad -n "__fish_jagad_using_subcommand help; and __fish_seen_subcommand_from key" -f -a "export" -d 'Hand out a key for safe keeping'
