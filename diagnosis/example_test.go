package diagnosis_test

import (
	"fmt"

	"plimsoll/diagnosis"
)

// A machine is judged for the connections that a run may open.
func ExampleClient() {
	checks := diagnosis.Client(diagnosis.Machine{OpenFiles: 12, OpenFilesLimit: 1024, OpenFilesHard: 524288}, 4096)
	fmt.Println(checks[0].Status, checks[0].Name+":", checks[0].Evidence)
	fmt.Println(checks[0].Remedy)
	// Output:
	// fail open files: limit 1024, 12 are open; 4096 connections need 4172
	// raise it (ulimit -n 4172), or lower --max-connections to 948
}

// What a policy has to allow comes from the table that the documentation is made from.
func ExamplePolicy() {
	fmt.Print(diagnosis.Policy([]string{"find"}, diagnosis.Scope{Region: "eu-central-1", Account: "123456789012", Endpoint: "my-endpoint"}))
	// Output:
	// {
	//   "Version": "2012-10-17",
	//   "Statement": [
	//     {
	//       "Effect": "Allow",
	//       "Action": [
	//         "sagemaker:InvokeEndpoint",
	//         "sagemaker:InvokeEndpointWithResponseStream",
	//         "sagemaker:DescribeEndpoint"
	//       ],
	//       "Resource": [
	//         "arn:aws:sagemaker:eu-central-1:123456789012:endpoint/my-endpoint"
	//       ]
	//     },
	//     {
	//       "Effect": "Allow",
	//       "Action": [
	//         "sagemaker:DescribeEndpointConfig"
	//       ],
	//       "Resource": [
	//         "arn:aws:sagemaker:eu-central-1:123456789012:endpoint-config/*"
	//       ]
	//     },
	//     {
	//       "Effect": "Allow",
	//       "Action": [
	//         "cloudwatch:GetMetricData"
	//       ],
	//       "Resource": [
	//         "*"
	//       ]
	//     }
	//   ]
	// }
}
