#!/bin/bash
# Drives the emulator with the AWS CLI, unchanged, through the life of an endpoint, and
# with curl, whose signatures are its own, for the load: the CLI takes a second to start.
# Argument: the emulator's URL. Credentials and region come from the environment, which
# CLI to run too (AWS_CLI). Written for version 2.9 and newer, so that Debian's works, and
# for version 1.
set -euo pipefail

url=$1
endpoint=cli-endpoint
resource=endpoint/$endpoint/variant/AllTraffic
target=(--service-namespace sagemaker --resource-id "$resource" --scalable-dimension sagemaker:variant:DesiredInstanceCount)
work=$(mktemp -d)
load=
trap '[[ -z $load ]] || kill "$load" 2>/dev/null || true; rm -rf "$work"' EXIT

export AWS_PAGER=
raw=(--cli-binary-format raw-in-base64-out)
[[ $("${AWS_CLI:-aws}" --version 2>&1) != aws-cli/1.* ]] || raw=()

call() { "${AWS_CLI:-aws}" --endpoint-url "$url" --output text "$@"; }

check() {
    if [[ $2 == "$3" ]]; then
        echo "ok   $1"
    else
        echo "FAIL $1: got '$2', want '$3'"
        exit 1
    fi
}

refused() {
    local what=$1 code=$2
    shift 2
    if call "$@" >"$work/out" 2>&1; then
        check "$what" "an answer" "$code"
    fi
    check "$what" "$(grep -o "($code)" "$work/out" || cat "$work/out")" "($code)"
}

until_is() {
    local what=$1 want=$2 got= attempt
    shift 2
    for ((attempt = 0; attempt < 120; attempt++)); do
        got=$(call "$@")
        [[ $got != "$want" ]] || break
        sleep 0.3
    done
    check "$what" "$got" "$want"
}

count() { echo "ProductionVariants[0].$1"; }

refused "an unknown endpoint" ValidationException sagemaker describe-endpoint --endpoint-name nobody

call sagemaker create-model --model-name cli-model --execution-role-arn arn:aws:iam::123456789012:role/r --primary-container Image=image >/dev/null
call sagemaker create-endpoint-config --endpoint-config-name cli-config \
    --production-variants VariantName=AllTraffic,ModelName=cli-model,InitialInstanceCount=1,InstanceType=ml.m5.xlarge >/dev/null
call sagemaker create-endpoint --endpoint-name $endpoint --endpoint-config-name cli-config >/dev/null
call sagemaker wait endpoint-in-service --endpoint-name $endpoint
check "the waiter saw it come into service" "$(call sagemaker describe-endpoint --endpoint-name $endpoint --query EndpointStatus)" InService

invoke() { call sagemaker-runtime invoke-endpoint --endpoint-name $endpoint --content-type application/json --body '{}' "${raw[@]}" "$work/answer" "$@"; }
check "an invocation is answered" "$(invoke --query InvokedProductionVariant)" AllTraffic

# The CLI has no operation for streams, in any version.
signed=(--silent --show-error --fail --aws-sigv4 "aws:amz:$AWS_REGION:sagemaker" --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"
    --header 'Content-Type: application/json' --data '{}')
answer=$(curl "${signed[@]}" "$url/endpoints/$endpoint/invocations")
check "curl's own signature is accepted" "${answer:+answered}" answered
check "a stream is a stream of events" "$(curl "${signed[@]}" --output "$work/stream" --write-out '%{content_type}' "$url/endpoints/$endpoint/invocations-response-stream")" \
    application/vnd.amazon.eventstream
parts=$(grep --text --only-matching PayloadPart "$work/stream" | wc -l)
check "an answer is streamed in several parts" "$((parts > 1))" 1

call application-autoscaling register-scalable-target "${target[@]}" --min-capacity 1 --max-capacity 2 >/dev/null
check "the target has its bounds" \
    "$(call application-autoscaling describe-scalable-targets --service-namespace sagemaker --resource-ids $resource --page-size 1 --query 'ScalableTargets[].[MinCapacity,MaxCapacity]')" $'1\t2'
call application-autoscaling put-scaling-policy "${target[@]}" --policy-name SageMakerEndpointInvocationScalingPolicy --policy-type TargetTrackingScaling \
    --target-tracking-scaling-policy-configuration '{"TargetValue": 100, "ScaleInCooldown": 60, "ScaleOutCooldown": 60,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}}' >/dev/null
check "the policy made two alarms" \
    "$(call application-autoscaling describe-scaling-policies --service-namespace sagemaker --resource-id $resource --query 'length(ScalingPolicies[0].Alarms)')" 2
call cloudwatch wait alarm-exists --alarm-name-prefix "TargetTracking-$resource"
check "they are listed page by page" "$(call cloudwatch describe-alarms --alarm-name-prefix "TargetTracking-$resource" --page-size 1 --query 'MetricAlarms[].AlarmName' | wc -w)" 2
high=$(call cloudwatch describe-alarms --alarm-name-prefix "TargetTracking-$resource-AlarmHigh" --query 'MetricAlarms[0].AlarmName')
check "the high alarm is above the target" "$(call cloudwatch describe-alarms --alarm-names "$high" --query 'MetricAlarms[0].[Threshold == `100`,EvaluationPeriods,Period]')" $'True\t3\t60'

(
    for ((k = 0; k < 2000; k++)); do
        curl "${signed[@]}" --output /dev/null "$url/endpoints/$endpoint/invocations"
        sleep 0.1
    done
) &
load=$!
until_is "the high alarm fires" ALARM cloudwatch describe-alarms --alarm-names "$high" --query 'MetricAlarms[0].StateValue'
until_is "capacity is scaled out" 2 sagemaker describe-endpoint --endpoint-name $endpoint --query "$(count CurrentInstanceCount)"
kill "$load"
wait "$load" 2>/dev/null || true
load=
until_is "it is scaled in when idle" 1 sagemaker describe-endpoint --endpoint-name $endpoint --query "$(count CurrentInstanceCount)"

# As text, the CLI asks each page the query; as JSON, all of them.
check "an activity tells why" "$(call application-autoscaling describe-scaling-activities --service-namespace sagemaker --resource-id $resource --page-size 1 --output json \
    --query "ScalingActivities[?Description=='Setting desired instance count to 2.'].StatusCode | [0]")" '"Successful"'
check "the alarm's history has its states" "$(call cloudwatch describe-alarm-history --alarm-name "$high" --history-item-type StateUpdate --page-size 1 --output json \
    --query "length(AlarmHistoryItems[?contains(HistorySummary, 'to ALARM')]) > \`0\`")" true

# The metrics lie in model time, which the alarm tells.
end=$(call cloudwatch describe-alarms --alarm-names "$high" --query 'MetricAlarms[0].StateUpdatedTimestamp')
[[ $end == *[-:]* ]] || end=@$end # version 1 has it in seconds
end=$(date --date "$end" +%s)
range=(--start-time "$(date --utc --date "@$((end - 7200))" +%FT%TZ)" --end-time "$(date --utc --date "@$((end + 3600))" +%FT%TZ)")
loads=$(call cloudwatch get-metric-statistics --namespace AWS/SageMaker --metric-name Invocations --dimensions Name=EndpointName,Value=$endpoint Name=VariantName,Value=AllTraffic \
    "${range[@]}" --period 60 --statistics Sum --query 'max(Datapoints[].Sum) > `100`')
check "the metric statistics have the load" "$loads" True

call application-autoscaling delete-scaling-policy "${target[@]}" --policy-name SageMakerEndpointInvocationScalingPolicy
check "the alarms went with the policy" "$(call cloudwatch describe-alarms --alarm-names "$high" --query 'length(MetricAlarms)')" 0
call application-autoscaling deregister-scalable-target "${target[@]}"
call sagemaker delete-endpoint --endpoint-name $endpoint
call sagemaker wait endpoint-deleted --endpoint-name $endpoint
call sagemaker delete-endpoint-config --endpoint-config-name cli-config
call sagemaker delete-model --model-name cli-model
check "nothing is left" "$(call sagemaker list-endpoints --name-contains $endpoint --query 'length(Endpoints)')" 0
