#!/usr/bin/env bash
# A real Slurm on the loopback of one machine, with accounting: nodes node1..nodeN are daemons of this host, their GPUs are
# devices that behave like /dev/null. Slurm is told CORES and MEMORY (MB) of a node, whatever the machine has.
#
#   slurm.sh up DIR      NODES=2 CORES=4 MEMORY=8000 GPUS=1 PORT=26817; needs root; installs Debian's packages if need be
#   slurm.sh down DIR    stops what `up` started there, and nothing else
#   slurm.sh node DIR N  starts the daemon of node N again
#
# All files are below DIR, but for the link /etc/slurm/slurm.conf: jobs do not inherit SLURM_CONF.
set -euo pipefail
action=$1 DIR=$2
: "${NODES:=2}" "${CORES:=4}" "${MEMORY:=8000}" "${GPUS:=1}" "${PORT:=26817}"

running() { # daemon, word of its command line
  local pid; pid=$(cat "$DIR/run/$1.pid" 2>/dev/null) || return 1
  [ -n "$pid" ] && [ -d "/proc/$pid" ] && [[ $(tr '\0' ' ' <"/proc/$pid/cmdline") == *"$2"* ]]
}
wait_for() { # tries of 0.2 s, command
  local tries=$1; shift
  for _ in $(seq "$tries"); do "$@" >/dev/null 2>&1 && return; sleep 0.2; done
  echo "no success: $*" >&2; tail -n 20 "$DIR"/log/*.log >&2 || true; return 1
}
stop() { # daemon, word of its command line
  if running "$1" "$2"; then
    local pid; pid=$(cat "$DIR/run/$1.pid"); kill -TERM "$pid"
    for _ in $(seq 100); do [ -d "/proc/$pid" ] || break; sleep 0.1; done
    if [ -d "/proc/$pid" ]; then kill -KILL "$pid"; fi
  fi
  rm -f "$DIR/run/$1.pid"
}
start_node() { running "node$1" "node$1" || slurmd -f "$SLURM_CONF" -N "node$1"; }

if [ "$action" = down ]; then
  DIR=$(cd "$DIR" 2>/dev/null && pwd -P) || exit 0
  export SLURM_CONF=$DIR/slurm.conf
  if running slurmctld slurmctld; then
    squeue -h -o %i | xargs -r scancel || true
    for _ in $(seq 50); do [ -z "$(squeue -h)" ] && break; sleep 0.2; done
  fi
  for file in "$DIR"/run/node*.pid; do [ -e "$file" ] && stop "$(basename "$file" .pid)" slurmd; done
  stop slurmctld slurmctld; stop slurmdbd slurmdbd; stop mariadbd mariadbd; stop munged munged
  if [ "$(readlink /etc/slurm/slurm.conf)" = "$DIR/slurm.conf" ]; then rm /etc/slurm/slurm.conf; fi
  exit 0
fi

[ "$(id -u)" = 0 ] || { echo "needs root" >&2; exit 1; }
mkdir -p "$DIR"; DIR=$(cd "$DIR" && pwd -P); export SLURM_CONF=$DIR/slurm.conf
if [ "$action" = node ]; then start_node "$3"; exit; fi

missing=0
for command in slurmctld slurmd slurmdbd munged sbatch mariadbd; do command -v "$command" >/dev/null || missing=1; done
if [ $missing = 1 ]; then
  policy=/usr/sbin/policy-rc.d # without it the packages would start daemons of their own
  if [ ! -e $policy ]; then printf '#!/bin/sh\nexit 101\n' >$policy; chmod +x $policy; ours=1; fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    slurmctld slurmd slurmdbd slurm-client munge mariadb-server >"$DIR/apt.log" 2>&1 || { tail "$DIR/apt.log" >&2; exit 1; }
  if [ "${ours:-0}" = 1 ]; then rm $policy; fi
fi
if [ -e /etc/slurm/slurm.conf ] && [ ! -L /etc/slurm/slurm.conf ]; then echo "this machine has a Slurm of its own" >&2; exit 1; fi
mkdir -p "$DIR"/{munge,state,log,run,dev,spool,mysql} /etc/slurm
chmod 755 "$DIR" "$DIR"/{state,log,run,dev,spool}
ln -sfn "$SLURM_CONF" /etc/slurm/slurm.conf

if ! running munged "$DIR"; then
  [ -s "$DIR/munge/key" ] || head -c 1024 /dev/urandom >"$DIR/munge/key"
  rm -f "$DIR/munge/socket" "$DIR/munge/socket.lock" "$DIR/munge/pid"
  chown -R munge:munge "$DIR/munge"; chmod 755 "$DIR/munge"; chmod 400 "$DIR/munge/key"
  setpriv --reuid=munge --regid=munge --init-groups munged --force --key-file="$DIR/munge/key" --socket="$DIR/munge/socket" \
    --pid-file="$DIR/munge/pid" --log-file="$DIR/munge/log" --seed-file="$DIR/munge/seed"
  wait_for 50 test -s "$DIR/munge/pid"; cp "$DIR/munge/pid" "$DIR/run/munged.pid"
fi
if ! running mariadbd "$DIR"; then
  chown mysql:mysql "$DIR/mysql"
  [ -d "$DIR/mysql/data/mysql" ] || mariadb-install-db --no-defaults --user=mysql --datadir="$DIR/mysql/data" \
    --auth-root-authentication-method=socket --skip-test-db >"$DIR/log/mysql-install.log" 2>&1
  setsid mariadbd --no-defaults --user=mysql --datadir="$DIR/mysql/data" --socket="$DIR/mysql/socket" --skip-networking \
    --pid-file="$DIR/mysql/pid" --innodb-buffer-pool-size=128M --innodb-lock-wait-timeout=900 \
    --log-error="$DIR/log/mariadbd.log" </dev/null >/dev/null 2>&1 &
  wait_for 150 mariadb-admin --no-defaults -S "$DIR/mysql/socket" ping; cp "$DIR/mysql/pid" "$DIR/run/mariadbd.pid"
  mariadb --no-defaults -S "$DIR/mysql/socket" -e "create database if not exists slurm_acct_db"
fi

cat >"$DIR/slurmdbd.conf" <<CONF
AuthType=auth/munge
AuthInfo=socket=$DIR/munge/socket
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort=$((PORT + 2))
SlurmUser=root
PidFile=$DIR/run/slurmdbd.pid
LogFile=$DIR/log/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=slurm_acct_db
CommunicationParameters=NoInAddrAny
CONF
chmod 600 "$DIR/slurmdbd.conf"

host=$(hostname -s)
{
  cat <<CONF
ClusterName=andor
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$PORT
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$DIR/munge/socket
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmctldPidFile=$DIR/run/slurmctld.pid
SlurmdPidFile=$DIR/run/%n.pid
StateSaveLocation=$DIR/state
SlurmdSpoolDir=$DIR/spool/%n
SlurmctldLogFile=$DIR/log/slurmctld.log
SlurmdLogFile=$DIR/log/%n.log
# No cgroups: memory is looked at every two seconds, and a job above its limit is killed.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
JobAcctGatherParams=OverMemoryKill
SlurmdParameters=config_overrides
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=2,sched_min_interval=500000,batch_sched_delay=0
GresTypes=gpu
ReturnToService=2
MinJobAge=600
KillWait=3
SlurmctldTimeout=300
SlurmdTimeout=300
MessageTimeout=60
InactiveLimit=0
PropagateResourceLimits=NONE
DefMemPerCPU=500
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=localhost
AccountingStoragePort=$((PORT + 2))
AccountingStoragePass=$DIR/munge/socket
AccountingStorageTRES=gres/gpu
AccountingStorageEnforce=associations
AccountingStoreFlags=job_comment
CONF
  for node in $(seq "$NODES"); do
    echo "NodeName=node$node NodeHostname=$host NodeAddr=127.0.0.1 Port=$((PORT + 10 + node)) CPUs=$CORES Boards=1" \
      "SocketsPerBoard=1 CoresPerSocket=$CORES ThreadsPerCore=1 RealMemory=$MEMORY Gres=gpu:$GPUS State=UNKNOWN"
  done
  echo "PartitionName=cpu Nodes=node[1-$NODES] Default=YES DefaultTime=10 MaxTime=INFINITE State=UP"
  echo "PartitionName=gpu Nodes=node[1-$NODES] Default=NO DefaultTime=10 MaxTime=INFINITE State=UP"
} >"$DIR/slurm.conf"
echo "AutoDetect=off" >"$DIR/gres.conf"
for node in $(seq "$NODES"); do
  for gpu in $(seq 0 $((GPUS - 1))); do
    device=$DIR/dev/node${node}gpu$gpu
    [ -e "$device" ] || mknod "$device" c 1 3
  done
  echo "NodeName=node$node Name=gpu File=$DIR/dev/node${node}gpu[0-$((GPUS - 1))]" >>"$DIR/gres.conf"
done

if ! running slurmdbd slurmdbd; then MYSQL_UNIX_PORT="$DIR/mysql/socket" slurmdbd; fi
wait_for 50 timeout 5 sacctmgr -n show cluster
sacctmgr -n show cluster andor | grep -q andor || sacctmgr -i add cluster andor >/dev/null
sacctmgr -n show account andor | grep -q andor || sacctmgr -i add account andor Cluster=andor >/dev/null
sacctmgr -n show assoc user=root | grep -q root || sacctmgr -i add user root Account=andor DefaultAccount=andor >/dev/null
running slurmctld slurmctld || slurmctld -f "$SLURM_CONF"
wait_for 50 timeout 5 scontrol ping
for node in $(seq "$NODES"); do mkdir -p "$DIR/spool/node$node"; start_node "$node"; done
idle() { [ "$(sinfo -h -N -p cpu -o '%N %t' | grep -cE ' (idle|mix|alloc)$')" = "$NODES" ]; }
wait_for 150 idle
timeout 60 srun -n1 -t1 --mem=10 true
