#!/usr/bin/env bash
# Train under Slurm; GPUS, GPUS_PER_NODE, CPUS_PER_TASK and SRUN_ARGS (further
# words for srun) come from the environment.
set -euo pipefail
if (($# < 3)); then
    echo "Usage: $0 PARTITION JOB_NAME CONFIG [argument of train.py]..." >&2
    exit 2
fi
partition=$1
job_name=$2
config=$3
gpus_per_node=${GPUS_PER_NODE:-4}
read -r -a srun_args <<<"${SRUN_ARGS:-}"

exec srun --partition="$partition" \
    --job-name="$job_name" \
    --gres="gpu:$gpus_per_node" \
    --ntasks="${GPUS:-4}" \
    --ntasks-per-node="$gpus_per_node" \
    --cpus-per-task="${CPUS_PER_TASK:-5}" \
    --kill-on-bad-exit=1 \
    ${srun_args[@]+"${srun_args[@]}"} \
    "${PYTHON:-python}" -u "$(dirname "$0")/train.py" "$config" \
    --launcher slurm "${@:4}"
