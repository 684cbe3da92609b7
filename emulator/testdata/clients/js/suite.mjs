// Drives the emulator with the AWS SDK for JavaScript v3, unchanged, through the life of
// an endpoint. URL, credentials and region come from the environment (AWS_ENDPOINT_URL).
import * as as from "@aws-sdk/client-application-auto-scaling";
import * as cw from "@aws-sdk/client-cloudwatch";
import * as sm from "@aws-sdk/client-sagemaker";
import * as rt from "@aws-sdk/client-sagemaker-runtime";

const options = { maxAttempts: 1, endpoint: process.env.AWS_ENDPOINT_URL };
const sagemaker = new sm.SageMakerClient(options);
const runtime = new rt.SageMakerRuntimeClient(options);
const scaling = new as.ApplicationAutoScalingClient(options);
const cloudwatch = new cw.CloudWatchClient(options);

const EndpointName = "js-endpoint";
const ResourceId = `endpoint/${EndpointName}/variant/AllTraffic`;
const target = { ServiceNamespace: "sagemaker", ResourceId, ScalableDimension: "sagemaker:variant:DesiredInstanceCount" };
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function check(what, holds) {
  console.log((holds ? "ok   " : "FAIL ") + what);
  if (!holds) process.exit(1);
}

async function refused(what, name, call) {
  try {
    await call();
  } catch (error) {
    check(`${what}: ${error.name}: ${error.message}`, error.name === name);
    return;
  }
  check(`${what}: was not refused`, false);
}

async function until(what, holds) {
  const end = Date.now() + 90_000;
  while (Date.now() < end) {
    if (await holds()) return check(what, true);
    await pause(300);
  }
  check(`${what}: not within 90 s`, false);
}

const variant = async () => (await sagemaker.send(new sm.DescribeEndpointCommand({ EndpointName }))).ProductionVariants[0];
const invoke = () => runtime.send(new rt.InvokeEndpointCommand({ EndpointName, ContentType: "application/json", Body: "{}" }));

await refused("an unknown endpoint", "ValidationException", () => sagemaker.send(new sm.DescribeEndpointCommand({ EndpointName: "nobody" })));

await sagemaker.send(new sm.CreateModelCommand({ ModelName: "js-model", ExecutionRoleArn: "arn:aws:iam::123456789012:role/r", PrimaryContainer: { Image: "image" } }));
await sagemaker.send(new sm.CreateEndpointConfigCommand({
  EndpointConfigName: "js-config",
  ProductionVariants: [{ VariantName: "AllTraffic", ModelName: "js-model", InitialInstanceCount: 1, InstanceType: "ml.m5.xlarge" }],
}));
const created = await sagemaker.send(new sm.CreateEndpointCommand({ EndpointName, EndpointConfigName: "js-config" }));
check("CreateEndpoint answers an ARN", created.EndpointArn.endsWith(`:endpoint/${EndpointName}`));
await sm.waitUntilEndpointInService({ client: sagemaker, maxWaitTime: 60, minDelay: 1, maxDelay: 1 }, { EndpointName });
check("the waiter saw it come into service", (await variant()).CurrentInstanceCount === 1);

const listed = async () => {
  const names = [];
  for await (const page of sm.paginateListEndpoints({ client: sagemaker, pageSize: 1 }, {})) names.push(...page.Endpoints.map((e) => e.EndpointName));
  return names.includes(EndpointName);
};
check("the paginator lists it", await listed());

const answer = await invoke();
check("an invocation is answered", answer.InvokedProductionVariant === "AllTraffic" && answer.Body.length > 0);
const stream = await runtime.send(new rt.InvokeEndpointWithResponseStreamCommand({ EndpointName, ContentType: "application/json", Body: "{}" }));
let parts = 0;
for await (const event of stream.Body) parts += event.PayloadPart ? 1 : 0;
check(`an answer is streamed in ${parts} parts`, parts > 1);

const registered = await scaling.send(new as.RegisterScalableTargetCommand({ ...target, MinCapacity: 1, MaxCapacity: 3 }));
check("RegisterScalableTarget answers an ARN", registered.ScalableTargetARN.includes(":scalable-target/"));
const targets = [];
for await (const page of as.paginateDescribeScalableTargets({ client: scaling, pageSize: 1 }, { ServiceNamespace: "sagemaker", ResourceIds: [ResourceId] })) {
  targets.push(...page.ScalableTargets);
}
check("the target has its bounds", targets.length === 1 && targets[0].MinCapacity === 1 && targets[0].MaxCapacity === 3);
const policy = await scaling.send(new as.PutScalingPolicyCommand({
  ...target, PolicyName: "SageMakerEndpointInvocationScalingPolicy", PolicyType: "TargetTrackingScaling",
  TargetTrackingScalingPolicyConfiguration: {
    TargetValue: 100, ScaleInCooldown: 60, ScaleOutCooldown: 60,
    PredefinedMetricSpecification: { PredefinedMetricType: "SageMakerVariantInvocationsPerInstance" },
  },
}));
check("the policy made two alarms", policy.Alarms.length === 2);
const high = policy.Alarms.find((a) => a.AlarmName.includes("AlarmHigh")).AlarmName;
await cw.waitUntilAlarmExists({ client: cloudwatch, maxWaitTime: 10, minDelay: 1, maxDelay: 1 }, { AlarmNames: [high] });
const alarm = async () => (await cloudwatch.send(new cw.DescribeAlarmsCommand({ AlarmNames: [high] }))).MetricAlarms[0];
check("the high alarm is 3 x 60 s above the target", (await alarm()).Threshold === 100 && (await alarm()).EvaluationPeriods === 3);

let loaded = true;
const load = (async () => {
  while (loaded) {
    await invoke();
    await pause(100);
  }
})();
await until("the high alarm fires", async () => (await alarm()).StateValue === "ALARM");
await until("capacity is scaled out to the maximum", async () => (await variant()).CurrentInstanceCount === 3);
loaded = false;
await load;
await until("it is scaled in to the minimum when idle", async () => (await variant()).CurrentInstanceCount === 1);

const activities = [];
for await (const page of as.paginateDescribeScalingActivities({ client: scaling, pageSize: 1 }, { ServiceNamespace: "sagemaker", ResourceId })) {
  activities.push(...page.ScalingActivities);
}
check("the activities tell why", activities.some((a) => a.Cause.includes(high) && a.StatusCode === "Successful"));
const history = [];
for await (const page of cw.paginateDescribeAlarmHistory({ client: cloudwatch }, { AlarmName: high, HistoryItemType: "StateUpdate" })) {
  history.push(...page.AlarmHistoryItems);
}
check("the alarm's history has its states", history.some((h) => JSON.parse(h.HistoryData).newState.stateValue === "ALARM"));

const end = new Date(Math.max(...history.map((h) => h.Timestamp.getTime())) + 3_600_000);
const data = await cloudwatch.send(new cw.GetMetricDataCommand({
  StartTime: new Date(end.getTime() - 3 * 3_600_000), EndTime: end,
  MetricDataQueries: [{ Id: "sum", MetricStat: { Period: 60, Stat: "Sum", Metric: {
    Namespace: "AWS/SageMaker", MetricName: "InvocationsPerInstance",
    Dimensions: [{ Name: "EndpointName", Value: EndpointName }, { Name: "VariantName", Value: "AllTraffic" }],
  } } }],
}));
check("the metric data has the load", Math.max(...data.MetricDataResults[0].Values) > 100);

const statistics = await cloudwatch.send(new cw.GetMetricStatisticsCommand({
  Namespace: "AWS/SageMaker", MetricName: "ModelLatency", StartTime: new Date(end.getTime() - 3 * 3_600_000), EndTime: end, Period: 3600,
  Dimensions: [{ Name: "EndpointName", Value: EndpointName }, { Name: "VariantName", Value: "AllTraffic" }], ExtendedStatistics: ["p50", "p99"],
}));
check("the metric statistics have percentiles", statistics.Datapoints.length > 0 && statistics.Datapoints.every((d) => d.ExtendedStatistics.p99 >= 1000));

await scaling.send(new as.DeleteScalingPolicyCommand({ ...target, PolicyName: "SageMakerEndpointInvocationScalingPolicy" }));
await scaling.send(new as.DeregisterScalableTargetCommand(target));
await refused("a target that is not there", "ObjectNotFoundException", () => scaling.send(new as.DeregisterScalableTargetCommand(target)));
await sagemaker.send(new sm.DeleteEndpointCommand({ EndpointName }));
await sm.waitUntilEndpointDeleted({ client: sagemaker, maxWaitTime: 60, minDelay: 1, maxDelay: 1 }, { EndpointName });
check("the alarms went with the policy", (await cloudwatch.send(new cw.DescribeAlarmsCommand({ AlarmNames: [high] }))).MetricAlarms.length === 0);
check("nothing is left", !(await listed()) && (await sagemaker.send(new sm.ListEndpointsCommand({ NameContains: EndpointName }))).Endpoints.length === 0);
