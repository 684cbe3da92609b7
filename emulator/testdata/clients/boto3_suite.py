"""Drives the emulator with boto3, unchanged, through the life of an endpoint.

Arguments: the emulator's URL. Credentials and region come from the environment. Written
for boto3 1.26 and newer, so that Debian's works: it speaks AWS Query to CloudWatch.
"""

import datetime
import sys
import threading
import time

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.eventstream import EventStreamBuffer
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

URL = sys.argv[1]
ENDPOINT, VARIANT = "boto3-endpoint", "AllTraffic"
RESOURCE = f"endpoint/{ENDPOINT}/variant/{VARIANT}"
DIMENSION = "sagemaker:variant:DesiredInstanceCount"


def client(name):
    return boto3.client(name, endpoint_url=URL, config=Config(retries={"max_attempts": 0}))


sagemaker = client("sagemaker")
runtime = client("sagemaker-runtime")
scaling = client("application-autoscaling")
cloudwatch = client("cloudwatch")


def check(what, holds):
    print(("ok   " if holds else "FAIL ") + what, flush=True)
    if not holds:
        sys.exit(1)


def refused(what, code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        check(f"{what}: {error}", error.response["Error"]["Code"] == code)
        return
    check(f"{what}: was not refused", False)


def until(what, holds, seconds=90):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            check(what, True)
            return
        time.sleep(0.3)
    check(f"{what}: not within {seconds} s", False)


def variant():
    return sagemaker.describe_endpoint(EndpointName=ENDPOINT)["ProductionVariants"][0]


def stream():
    """The payloads of a streamed answer. Before 1.28.39, boto3 has no such operation; its signer and its decoder of event streams have long been there."""
    if hasattr(runtime, "invoke_endpoint_with_response_stream"):
        answer = runtime.invoke_endpoint_with_response_stream(EndpointName=ENDPOINT, ContentType="application/json", Body=b"{}")
        return [event["PayloadPart"]["Bytes"] for event in answer["Body"]]
    request = AWSRequest("POST", f"{URL}/endpoints/{ENDPOINT}/invocations-response-stream", {"Content-Type": "application/json"}, b"{}")
    session = boto3.Session()
    SigV4Auth(session.get_credentials(), "sagemaker", session.region_name).add_auth(request)
    answer = URLLib3Session().send(request.prepare())
    check("a stream is a stream of events", (answer.status_code, answer.headers["Content-Type"]) == (200, "application/vnd.amazon.eventstream"))
    events = EventStreamBuffer()
    events.add_data(answer.content)
    return [event.payload for event in events if event.headers[":event-type"] == "PayloadPart"]


class Load(threading.Thread):
    """Invokes the endpoint some ten times a second until it is stopped."""

    def __init__(self):
        super().__init__(daemon=True)
        self.stopped = threading.Event()
        self.failures = []

    def run(self):
        while not self.stopped.wait(0.1):
            try:
                runtime.invoke_endpoint(EndpointName=ENDPOINT, ContentType="application/json", Body=b"{}")
            except ClientError as error:
                self.failures.append(error)


def main():
    refused("an unknown endpoint", "ValidationException", sagemaker.describe_endpoint, EndpointName="nobody")
    refused("invoking an unknown endpoint", "ValidationError", runtime.invoke_endpoint, EndpointName="nobody", Body=b"{}")

    sagemaker.create_model(ModelName="boto3-model", ExecutionRoleArn="arn:aws:iam::123456789012:role/r", PrimaryContainer={"Image": "image"})
    sagemaker.create_endpoint_config(
        EndpointConfigName="boto3-config",
        ProductionVariants=[{"VariantName": VARIANT, "ModelName": "boto3-model", "InitialInstanceCount": 1, "InstanceType": "ml.m5.xlarge"}],
    )
    created = sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName="boto3-config", Tags=[{"Key": "team", "Value": "ml"}])
    check("create_endpoint answers an ARN", created["EndpointArn"].endswith(":endpoint/" + ENDPOINT))
    check("a new endpoint is Creating", sagemaker.describe_endpoint(EndpointName=ENDPOINT)["EndpointStatus"] == "Creating")
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=ENDPOINT, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    check("the waiter saw it come into service", variant()["CurrentInstanceCount"] == 1)
    check("its tags are listed", sagemaker.list_tags(ResourceArn=created["EndpointArn"])["Tags"] == [{"Key": "team", "Value": "ml"}])
    names = [e["EndpointName"] for page in sagemaker.get_paginator("list_endpoints").paginate(MaxResults=1) for e in page["Endpoints"]]
    check("the paginator lists it", ENDPOINT in names)

    answer = runtime.invoke_endpoint(EndpointName=ENDPOINT, ContentType="application/json", Body=b"{}")
    check("an invocation is answered", answer["InvokedProductionVariant"] == VARIANT and len(answer["Body"].read()) > 0)

    parts = stream()
    check(f"an answer is streamed in {len(parts)} parts", len(parts) > 1 and all(parts))

    registered = scaling.register_scalable_target(ServiceNamespace="sagemaker", ResourceId=RESOURCE, ScalableDimension=DIMENSION, MinCapacity=1, MaxCapacity=3)
    check("register_scalable_target answers an ARN", ":scalable-target/" in registered.get("ScalableTargetARN", ":scalable-target/"))  # boto3 knows it from 1.26.97 on
    targets = [t for page in scaling.get_paginator("describe_scalable_targets").paginate(
        ServiceNamespace="sagemaker", ResourceIds=[RESOURCE]) for t in page["ScalableTargets"]]
    check("the paginator has the target with its bounds", [(t["MinCapacity"], t["MaxCapacity"]) for t in targets] == [(1, 3)])
    policy = scaling.put_scaling_policy(
        PolicyName="SageMakerEndpointInvocationScalingPolicy", ServiceNamespace="sagemaker", ResourceId=RESOURCE, ScalableDimension=DIMENSION,
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 100.0,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
            "ScaleInCooldown": 60, "ScaleOutCooldown": 60,
        },
    )
    alarms = {a["AlarmName"] for a in policy["Alarms"]}
    check("the policy made two alarms", len(alarms) == 2 and all(n.startswith("TargetTracking-" + RESOURCE) for n in alarms))
    high = next(n for n in alarms if "AlarmHigh" in n)
    low = next(n for n in alarms if "AlarmLow" in n)
    cloudwatch.get_waiter("alarm_exists").wait(AlarmNames=sorted(alarms), WaiterConfig={"Delay": 1, "MaxAttempts": 5})
    policies = [p for page in scaling.get_paginator("describe_scaling_policies").paginate(
        ServiceNamespace="sagemaker", ResourceId=RESOURCE) for p in page["ScalingPolicies"]]
    check("the paginator has the policy", [p["PolicyARN"] for p in policies] == [policy["PolicyARN"]])
    described = {a["AlarmName"]: a for page in cloudwatch.get_paginator("describe_alarms").paginate(
        AlarmNames=sorted(alarms), PaginationConfig={"PageSize": 1}) for a in page["MetricAlarms"]}
    check("the high alarm is 3 x 60 s above the target", (described[high]["Threshold"], described[high]["EvaluationPeriods"], described[high]["Period"]) == (100.0, 3, 60))
    check("the low alarm is 15 x 60 s below 90 %", (described[low]["Threshold"], described[low]["EvaluationPeriods"]) == (90.0, 15))
    refused("a policy of a variant that is not there", "ObjectNotFoundException", scaling.put_scaling_policy, PolicyName="p", ServiceNamespace="sagemaker",
            ResourceId=f"endpoint/{ENDPOINT}/variant/nobody", ScalableDimension=DIMENSION, PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={"TargetValue": 1.0, "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}})

    load = Load()
    load.start()
    until("the high alarm fires", lambda: cloudwatch.describe_alarms(AlarmNames=[high])["MetricAlarms"][0]["StateValue"] == "ALARM")
    until("capacity is scaled out to the maximum", lambda: variant()["DesiredInstanceCount"] == 3)
    until("the new instances come into service", lambda: variant()["CurrentInstanceCount"] == 3)
    load.stopped.set()
    load.join()
    check(f"no invocation failed meanwhile: {load.failures}", not load.failures)
    until("it is scaled in to the minimum when idle", lambda: variant()["CurrentInstanceCount"] == 1)

    activities = [a for page in scaling.get_paginator("describe_scaling_activities").paginate(
        ServiceNamespace="sagemaker", ResourceId=RESOURCE, MaxResults=1) for a in page["ScalingActivities"]]
    check("the activities tell why", any(high in a["Cause"] and a["Description"] == "Setting desired instance count to 3." for a in activities))
    check("and that it worked", any(a["StatusCode"] == "Successful" for a in activities))
    history = [h for page in cloudwatch.get_paginator("describe_alarm_history").paginate(AlarmName=high) for h in page["AlarmHistoryItems"]]
    check("the alarm's history has its states", any(h["HistoryItemType"] == "StateUpdate" and "ALARM" in h["HistorySummary"] for h in history))

    # The metrics lie in model time, which the alarm's history tells.
    end = max(h["Timestamp"] for h in history) + datetime.timedelta(hours=1)
    start = end - datetime.timedelta(hours=3)
    dimensions = [{"Name": "EndpointName", "Value": ENDPOINT}, {"Name": "VariantName", "Value": VARIANT}]
    statistics = cloudwatch.get_metric_statistics(Namespace="AWS/SageMaker", MetricName="Invocations", Dimensions=dimensions,
                                                  StartTime=start, EndTime=end, Period=60, Statistics=["Sum"])["Datapoints"]
    check("the metric statistics have the load", max(d["Sum"] for d in statistics) > 100)
    percentiles = cloudwatch.get_metric_statistics(Namespace="AWS/SageMaker", MetricName="ModelLatency", Dimensions=dimensions,
                                                   StartTime=start, EndTime=end, Period=3600, ExtendedStatistics=["p50", "p99"])["Datapoints"]
    check("and percentiles", all(set(d["ExtendedStatistics"]) == {"p50", "p99"} for d in percentiles) and len(percentiles) > 0)
    data = cloudwatch.get_metric_data(StartTime=start, EndTime=end, MetricDataQueries=[
        {"Id": "latency", "MetricStat": {"Metric": {"Namespace": "AWS/SageMaker", "MetricName": "ModelLatency", "Dimensions": dimensions}, "Period": 60, "Stat": "p99"}}])
    check("the metric data has latencies in microseconds", max(data["MetricDataResults"][0]["Values"]) >= 1000)
    listed = [m["MetricName"] for page in cloudwatch.get_paginator("list_metrics").paginate(Namespace="AWS/SageMaker", Dimensions=dimensions) for m in page["Metrics"]]
    check("the metrics are listed", {"Invocations", "InvocationsPerInstance", "ModelLatency", "OverheadLatency"} <= set(listed))

    scaling.delete_scaling_policy(PolicyName="SageMakerEndpointInvocationScalingPolicy", ServiceNamespace="sagemaker", ResourceId=RESOURCE, ScalableDimension=DIMENSION)
    check("the alarms went with the policy", not cloudwatch.describe_alarms(AlarmNames=sorted(alarms))["MetricAlarms"])
    scaling.deregister_scalable_target(ServiceNamespace="sagemaker", ResourceId=RESOURCE, ScalableDimension=DIMENSION)
    sagemaker.delete_endpoint(EndpointName=ENDPOINT)
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=ENDPOINT, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    sagemaker.delete_endpoint_config(EndpointConfigName="boto3-config")
    sagemaker.delete_model(ModelName="boto3-model")
    check("nothing is left", ENDPOINT not in [e["EndpointName"] for e in sagemaker.list_endpoints()["Endpoints"]])


main()
