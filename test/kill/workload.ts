/** What every run of each pipeline leaves in the ledger: one line for each thing that must be done once. */
export const ledgerLines: Record<string, number> = {
  Everything: 3,
  Inner: 1,
  Breaks: 1,
  Undo: 1,
  Elsewhere: 0,
  Kept: 0,
  Reviewed: 0,
};

/** How every run of each pipeline ends, however often the server dies under it. */
export const ends: Record<string, string> = {
  Everything: 'COMPLETED',
  Inner: 'COMPLETED',
  Breaks: 'ROLLBACK_COMPLETED',
  Undo: 'COMPLETED',
  Elsewhere: 'COMPLETED',
  Kept: 'COMPLETED',
  Reviewed: 'COMPLETED',
};

const workspace = 'workspace: {type: PROCESS, endpoint: "", image: ""}';
const told = 'millrace: {notifications: [{type: slack, endpoint: team, channel: "#releases"}]}';
/** The directory of a job is named by its key, so two lines of the same directory are one thing done twice. */
const entry = `'echo "$JOB" >> \${var.ledger}'`;

/** An action on what stands, and its end: asked for with the key of its task, so that asking again is asking once. */
const action = (name: string, path: string, inputs = '{}', actionId = name): string => `
      ${name.replace('.', '')}:
        type: REST
        millrace: {repeat: true}
        input:
          action: post
          url: \${var.server}/deployment/api/${path}/requests
          headers: {Authorization: "Bearer \${var.token}", Content-Type: application/json}
          payload: '{"actionId": "${actionId}", "inputs": ${inputs}}'
      After${name.replace('.', '')}:
        type: POLL
        input:
          url: \${var.server}/deployment/api/requests/\${Build.${name.replace('.', '')}.output.responseJson.id}
          headers: {Authorization: "Bearer \${var.token}"}
          pollCount: 300
          pollIntervalSeconds: 0.1
          ignoreFailure: true
          exitCriteria: {success: status == "SUCCESSFUL", failure: status == "FAILED"}`;
const deployment = 'deployments/${Build.Deploy.output.deploymentId}';
const machine = 'resources/${Build.Find.output.responseJson.content[0].id}';

/** Pipelines with every task type that this version runs; the far sides are in the project's variables. */
export const definitions = `
kind: CLOUD_ZONE
name: here
accountType: local
images: {plain: {packages: [nodejs]}}
flavors: {small: {memoryMb: 256}, large: {memoryMb: 320}}
---
project: Proof
kind: BLUEPRINT
name: Site
resources:
  m:
    type: Cloud.Machine
    properties:
      image: plain
      flavor: small
      remoteAccess: {authentication: usernamePassword, username: ci, password: secret}
      cloudConfig: |
        #cloud-config
        write_files:
          - path: /opt/web.mjs
            content: |
              import { createServer } from 'node:http';
              createServer((_, response) => response.end('up')).listen(8080, process.env.MACHINE_ADDRESS);
          - path: /etc/systemd/system/web.service
            content: |
              [Service]
              ExecStart=/usr/bin/node /opt/web.mjs
        runcmd:
          - systemctl enable --now web
  balancer:
    type: Cloud.LoadBalancer
    properties:
      instances: \${resource.m.id}
      routes: [{port: 8080, instancePort: 8080, healthCheckConfiguration: {urlPath: /, intervalSeconds: 0.2}}]
outputs: {url: {value: "http://\${resource.balancer.address}:8080"}}
---
project: Proof
kind: BLUEPRINT
name: Kept
inputs: {more: {type: integer, default: 0}}
resources:
  m:
    type: Cloud.Machine
    properties:
      image: plain
      flavor: small
      attachedDisks: [{source: "\${resource.disk.id}"}]
      networks: [{network: "\${resource.net.id}", securityGroups: ["\${resource.sg.id}"]}]
      remoteAccess: {authentication: usernamePassword, username: ci, password: secret}
  disk: {type: Cloud.Volume, properties: {capacityGb: 1}}
  net: {type: Cloud.Network, properties: {networkType: existing}}
  sg: {type: Cloud.SecurityGroup, properties: {securityGroupType: new, rules: [{name: in, protocol: TCP}]}}
  other: {type: Cloud.Machine, properties: {image: plain, flavor: small, count: "\${input.more}"}}
outputs: {snapshots: {value: "\${length(resource.m.snapshots)}"}}
---
project: Proof
kind: ACTION
name: note
runtime: nodejs
entrypoint: handler
source: |
  exports.handler = (context, inputs) => {
    require('node:fs').appendFileSync(inputs.ledger, process.cwd() + '\\n');
    return { noted: true };
  };
---
project: Proof
kind: CUSTOM_INTEGRATION
name: Note
runtime: nodejs
code: |
  const { getInput, setOutput } = require('./context.js');
  require('node:fs').appendFileSync(getInput('ledger'), process.cwd() + '\\n');
  setOutput('noted', true);
inputProperties: []
outputProperties: [{name: noted}]
---
project: Proof
kind: PIPELINE
name: Inner
${workspace}
${told}
stages: {S: {tasks: {Note: {type: CI, input: {steps: [${entry}]}}}}}
---
project: Proof
kind: PIPELINE
name: Undo
${workspace}
${told}
input: {what: ''}
stages: {S: {tasks: {Note: {type: CI, input: {steps: [${entry}]}}}}}
---
project: Proof
kind: PIPELINE
name: Breaks
concurrency: 2
${workspace}
${told}
rollbacks: [{name: Undo, stage: Build, inputs: {what: "\${executionIndex}"}}]
stages:
  Build: {tasks: {Fail: {type: Condition, input: {condition: '1 == 2'}}}}
  Tidy: {millrace: {runs: always}, tasks: {Note: {type: CI, input: {steps: [${entry}]}}}}
---
project: Proof
kind: PIPELINE
name: Everything
concurrency: 3
${workspace}
${told}
stages:
  Build:
    taskOrder: ['Deploy,Note,Custom', Wait, Ssh, Once]
    tasks:
      Deploy: {type: Blueprint, input: {action: CreateDeployment, blueprint: Site, deploymentName: "site-\${executionIndex}"}}
      Note: {type: CI, input: {steps: [${entry}, sleep 0.2]}}
      Custom: {type: Custom, input: {name: Note, version: draft, properties: {ledger: "\${var.ledger}"}}}
      Wait:
        type: POLL
        input:
          url: \${Build.Deploy.output.deploymentDetails.outputs.url}
          pollCount: 100
          pollIntervalSeconds: 0.1
          ignoreFailure: true
          exitCriteria: {success: '\${responseCode} == 200'}
      Ssh:
        type: SSH
        input:
          host: \${Build.Deploy.output.deploymentDetails.resources.m.ssh}
          username: ci
          password: secret
          script: |
            echo x >> ran
            sleep 0.3
            wc -l < ran | tr -d ' ' > "$SCRIPT_RESPONSE_FILE"
      Once: {type: Condition, input: {condition: '\${Build.Ssh.output.response} == 1'}}
  Release:
    taskOrder: ['Call,Nested,Function', Flaky, Name, Ran, Ask]
    tasks:
      Call: {type: REST, millrace: {repeat: true}, input: {action: post, url: "\${var.far}/once"}}
      Nested: {type: Pipeline, input: {pipeline: Inner}}
      Function:
        type: REST
        millrace: {repeat: true}
        input:
          action: post
          url: \${var.server}/abx/api/resources/actions/note/action-runs
          headers: {Authorization: "Bearer \${var.token}", Content-Type: application/json}
          payload: '{"inputs": {"ledger": "\${var.ledger}"}}'
      Flaky:
        type: REST
        millrace: {repeat: true, retry: {attempts: 3, delay: 50ms}}
        input: {action: post, url: "\${var.far}/flaky"}
      Name:
        type: REST
        millrace: {repeat: true}
        input:
          action: patch
          url: \${var.names}/api/v1/servers/localhost/zones/proof.
          headers: {X-API-Key: "\${var.names key}", Content-Type: application/json}
          payload: '{"rrsets": [{"name": "site-\${executionIndex}.proof.", "type": "A", "ttl": 1, "changetype": "REPLACE", "records": [{"content": "\${Build.Deploy.output.deploymentDetails.resources.balancer.address}", "disabled": false}]}]}'
      Ran:
        type: POLL
        input:
          url: \${var.server}/abx/api/resources/action-runs/\${Release.Function.output.responseJson.id}
          headers: {Authorization: "Bearer \${var.token}"}
          pollCount: 200
          pollIntervalSeconds: 0.1
          ignoreFailure: true
          exitCriteria: {success: runState == "COMPLETED", failure: runState == "FAILED"}
      Ask: {type: UserOperation, input: {approvers: [admin], summary: Go on?}}
  Tidy:
    millrace: {runs: always}
    tasks:
      Remove: {type: Blueprint, input: {action: DeleteDeployment, deploymentName: "site-\${executionIndex}"}}
---
project: Proof
kind: PIPELINE
name: Elsewhere
concurrency: 3
${told}
notifications:
  webhook:
  - {event: SUCCESS, url: "\${var.far}/told", payload: "\${executionIndex}"}
stages:
  Build:
    taskOrder: ['Jenkins,Bamboo,Tfs', Cluster]
    tasks:
      Jenkins: {type: Jenkins, endpoints: {jenkinsServer: jenkins}, input: {job: proof, parameters: {}}}
      Bamboo: {type: Bamboo, endpoints: {bambooServer: bamboo}, input: {planKey: PROOF-MAIN}}
      Tfs: {type: TFS, endpoints: {tfsServer: tfs}, input: {teamProject: Tito, buildDefinitionId: 7}}
      Cluster:
        type: K8S
        endpoints: {kubernetesServer: cluster}
        input:
          action: CREATE
          yaml: |
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: "run-\${executionIndex}", namespace: default}
            data: {index: "\${executionIndex}"}
---
project: Proof
kind: PIPELINE
name: Kept
concurrency: 2
${told}
stages:
  Build:
    taskOrder: [Deploy, Find, SnapshotCreate, AfterSnapshotCreate, Write, 'PowerOff', AfterPowerOff, PowerOn, AfterPowerOn, Grow, Once, SnapshotRevert, AfterSnapshotRevert, Resize, AfterResize, Look, Back, Shrink]
    tasks:
      Deploy: {type: Blueprint, input: {action: CreateDeployment, blueprint: Kept, deploymentName: "kept-\${executionIndex}"}}
      Find:
        type: REST
        input:
          action: get
          url: \${var.server}/deployment/api/${deployment}/resources?resourceTypes=Cloud.Machine
          headers: {Authorization: "Bearer \${var.token}"}${action('Snapshot.Create', machine, '{"name": "one"}')}
      Write:
        type: SSH
        input: {host: "\${Build.Deploy.output.deploymentDetails.resources.m.ssh}", username: ci, password: secret, script: touch written}${action('PowerOff', deployment, '{}', 'Deployment.PowerOff')}${action('PowerOn', deployment, '{}', 'Deployment.PowerOn')}
      Grow: {type: Blueprint, input: {action: UpdateDeployment, blueprint: Kept, deploymentName: "kept-\${executionIndex}", parameters: {more: 2}}}
      Once: {type: Condition, input: {condition: '\${Build.Grow.output.deploymentDetails.outputs.snapshots} == 1'}}${action('Snapshot.Revert', machine, '{"id": "one"}')}${action('Resize', machine, '{"flavor": "large"}')}
      Look:
        type: SSH
        input:
          host: \${Build.Deploy.output.deploymentDetails.resources.m.ssh}
          username: ci
          password: secret
          script: '[ -e written ] && echo there > "$SCRIPT_RESPONSE_FILE" || echo back > "$SCRIPT_RESPONSE_FILE"'
      Back: {type: Condition, input: {condition: '\${Build.Look.output.response} == "back"'}}
      Shrink: {type: Blueprint, input: {action: UpdateDeployment, blueprint: Kept, deploymentName: "kept-\${executionIndex}", parameters: {more: 1}, allowDestroy: true}}
  Tidy:
    millrace: {runs: always}
    tasks:
      Remove: {type: Blueprint, input: {action: DeleteDeployment, deploymentName: "kept-\${executionIndex}"}}
---
project: Proof
kind: PIPELINE
name: Reviewed
${told}
input: {GERRIT_CHANGE_NUMBER: ""}
stages:
  Look:
    tasks:
      Once: {type: REST, input: {action: post, url: "\${var.far}/reviewed", payload: ""}}
---
{project: Proof, kind: GERRIT_LISTENER, name: reviews, endpoint: gerrit, connected: true}
---
project: Proof
kind: GERRIT_TRIGGER
name: uploads
listener: reviews
gerritProject: proof
branch: main
configurations:
- {eventType: patchset-created, pipeline: Reviewed, verifiedLabel: "true"}
`;
