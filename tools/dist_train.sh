#!/usr/bin/env bash
# Train in several processes of one machine, or of NNODES machines.
set -euo pipefail
if (($# < 2)); then
    echo "Usage: $0 CONFIG GPUS [argument of train.py]..." >&2
    exit 2
fi
config=$1
gpus=$2

exec "${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" \
    --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" \
    --master_port="${PORT:-29500}" \
    --nproc_per_node="$gpus" \
    "$(dirname "$0")/train.py" "$config" --launcher pytorch "${@:3}"
