import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseManifest } from '../manifest/index.ts';
import { explain } from './explain.ts';
import type { Explanation, FindingCode } from './explanation.ts';
import { worldFromManifests } from './files/world-from-files.ts';
import { printExplanation } from './print.ts';
import { parsePlace } from './question.ts';

const client =
  '{apiVersion: v1, kind: Pod, metadata: {name: client}, spec: {nodeName: node-1, containers: [{name: c, image: echo}]}}';

/** A pod; `status` as it stands in YAML. */
function pod(
  name: string,
  labels: string,
  options: { namespace?: string; status?: string; extra?: string; ports?: string } = {},
): string {
  const { namespace = 'default', status, extra = '', ports = '{name: web, containerPort: 8080}' } = options;
  return `---
apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: ${namespace}, labels: {${labels}}${extra.startsWith('metadata:') ? extra.slice('metadata:'.length) : ''}}
spec: {nodeName: node-1${extra.startsWith('spec:') ? extra.slice('spec:'.length) : ''}, containers: [{name: c, image: echo, ports: [${ports}]}]}
${status === undefined ? '' : `status: ${status}`}
`;
}

function service(spec: string): string {
  return `---\n{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {${spec}}}\n`;
}

function ask(manifest: string, target = 'web', from = 'pod/client'): Explanation {
  const world = worldFromManifests(parseManifest(`${manifest}\n---\n${client}\n`, 'test.yaml'));
  return explain(world, { target, from: parsePlace(from), namespace: 'default' });
}

const selecting = service('selector: {app: web}, ports: [{port: 80, targetPort: 8080}]');
const byName = service('selector: {app: web}, ports: [{port: 80, targetPort: http}]');
const byHand = service('ports: [{name: web, port: 80}]');
const notReady = (reason: string): string =>
  `{phase: Running, podIPs: [{ip: 10.244.1.50}], conditions: [{type: Ready, status: "False"}], containerStatuses: [${reason}]}`;
const slice = (metadata: string, rest: string): string =>
  `---\n{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {${metadata}}, ${rest}}\n`;
const labelled = 'name: web-1, labels: {kubernetes.io/service-name: web}';

const table: readonly { name: string; manifest: string; codes: readonly FindingCode[]; text: RegExp }[] = [
  {
    name: 'a selector with a typing mistake names the pods that come nearest and the label that differs',
    manifest: selecting + pod('a', 'app: wbe') + pod('other', 'app: quite-different'),
    codes: ['selector-matches-nothing', 'near-miss'],
    text: /pod default\/a: label app is "wbe" and should be "web"/,
  },
  {
    name: 'of two labels, the one that is missing is named with the one that was probably meant',
    manifest: service('selector: {app: web, tier: front}, ports: [{port: 80}]') + pod('a', 'app: web, teir: front'),
    codes: ['selector-matches-nothing', 'near-miss'],
    text: /label tier is missing \(it has teir=front\)/,
  },
  {
    name: 'a value under another key is a near miss',
    manifest: selecting + pod('a', 'name: web'),
    codes: ['selector-matches-nothing', 'near-miss'],
    text: /label app is missing \(it has name=web\)/,
  },
  {
    name: 'pods of another namespace are pointed at',
    manifest: selecting + pod('a', 'app: web', { namespace: 'elsewhere' }),
    codes: ['selector-matches-nothing', 'pods-in-other-namespace'],
    text: /elsewhere\/a would match, but a Service selects pods of its own namespace only/,
  },
  {
    name: 'a container that waits says why',
    manifest:
      selecting +
      pod('a', 'app: web', {
        status: notReady('{name: c, ready: false, state: {waiting: {reason: ImagePullBackOff, message: no such image}}}'),
      }),
    codes: ['pod-not-ready'],
    text: /pod default\/a: it is not ready: container c waits \(ImagePullBackOff: no such image\)/,
  },
  {
    name: 'a container that crashes says how it ended',
    manifest:
      selecting +
      pod('a', 'app: web', {
        status: notReady(
          '{name: c, ready: false, state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 3}}}',
        ),
      }),
    codes: ['pod-not-ready'],
    text: /container c waits \(CrashLoopBackOff\); it ended with exit code 3 before/,
  },
  {
    name: 'a readiness gate is named',
    manifest:
      selecting +
      pod('a', 'app: web', {
        extra: 'spec:, readinessGates: [{conditionType: example.com/warm}]',
        status: notReady('{name: c, ready: true, state: {running: {}}}'),
      }),
    codes: ['pod-not-ready'],
    text: /its readiness gate example\.com\/warm is not True/,
  },
  {
    name: 'pods that fail in the same way are told together',
    manifest:
      selecting +
      ['a', 'b', 'c', 'd', 'e']
        .map((name) => pod(name, 'app: web', { extra: 'metadata:, annotations: {fairlead.dev/ready: "false"}' }))
        .join(''),
    codes: ['pod-not-ready'],
    text: /pods default\/a, default\/b, default\/c and 2 more: it is not ready/,
  },
  {
    name: 'finished pods are finished',
    manifest: selecting + pod('a', 'app: web', { status: '{phase: Succeeded, podIPs: [{ip: 10.244.1.50}]}' }),
    codes: ['pod-finished'],
    text: /it has finished \(phase Succeeded\)/,
  },
  {
    name: 'a pod that does not fit any node is not scheduled',
    manifest: `${selecting}---\n{apiVersion: v1, kind: Pod, metadata: {name: a, labels: {app: web}}, spec: {nodeSelector: {gpu: "yes"}, containers: [{name: c, image: echo}]}}\n`,
    codes: ['pod-pending'],
    text: /pod default\/a: it is not scheduled \(Unschedulable/,
  },
  {
    name: 'a pod on a node that does not exist',
    manifest: `${selecting}---\n{apiVersion: v1, kind: Pod, metadata: {name: a, labels: {app: web}}, spec: {nodeName: ghost, containers: [{name: c, image: echo}]}}\n`,
    codes: ['node-missing'],
    text: /its Node object ghost does not exist/,
  },
  {
    name: 'a targetPort by a name that no container has shows the names there are',
    manifest: byName + pod('a', 'app: web'),
    codes: ['no-such-target-port'],
    text: /no container names a port http \(TCP\), which is the targetPort; declared: web 8080\/TCP/,
  },
  {
    name: 'without a selector somebody must write the endpoints',
    manifest: byHand,
    codes: ['no-selector'],
    text: /write an EndpointSlice with the label kubernetes\.io\/service-name: web/,
  },
  {
    name: 'a slice that lacks its label belongs to nobody',
    manifest:
      byHand + slice('name: web-1', 'addressType: IPv4, ports: [{name: web, port: 80}], endpoints: [{addresses: [10.0.9.1]}]'),
    codes: ['no-selector', 'slice-without-label'],
    text: /EndpointSlice default\/web-1 has no label kubernetes\.io\/service-name/,
  },
  {
    name: 'a slice whose port has another name does not join',
    manifest:
      byHand + slice(labelled, 'addressType: IPv4, ports: [{name: http, port: 80}], endpoints: [{addresses: [10.0.9.1]}]'),
    codes: ['slice-without-port'],
    text: /has no port called "web" with TCP.*it has "http" 80\/TCP: ports join by name, not by number/,
  },
  {
    name: 'a slice of the other family',
    manifest:
      byHand + slice(labelled, 'addressType: IPv6, ports: [{name: web, port: 80}], endpoints: [{addresses: ["fd00::1"]}]'),
    codes: ['slice-of-other-family'],
    text: /has addressType IPv6, and this question is about IPv4/,
  },
  {
    name: 'a slice by hand that is not ready',
    manifest:
      byHand +
      slice(
        labelled,
        'addressType: IPv4, ports: [{name: web, port: 80}], endpoints: [{addresses: [10.0.9.1], conditions: {ready: false}}]',
      ),
    codes: ['slice-not-ready'],
    text: /none of its endpoints has the condition ready/,
  },
];

for (const { name, manifest, codes, text } of table) {
  test(name, () => {
    const answer = ask(manifest);
    assert.equal(answer.outcome, 'refused', printExplanation(answer));
    assert.deepEqual(
      answer.findings.map((finding) => finding.code),
      codes,
      printExplanation(answer),
    );
    assert.ok(answer.findings.every(({ kind }) => kind === 'cause'));
    assert.match(answer.findings.map((finding) => finding.text).join('\n'), text);
  });
}

test('a port number that no container declares is a warning, since somebody may listen all the same', () => {
  const answer = ask(service('selector: {app: web}, ports: [{port: 80, targetPort: 9999}]') + pod('a', 'app: web'));
  assert.equal(answer.outcome, 'endpoints');
  assert.deepEqual(
    answer.findings.map(({ kind, code }) => `${kind} ${code}`),
    ['warning port-not-declared'],
  );
  assert.match(
    answer.findings[0]?.text ?? '',
    /pod default\/a: no container declares port 9999\/TCP \(declared: web 8080\/TCP\)/,
  );
});

test('a Service that works has no findings', () => {
  assert.deepEqual(ask(selecting + pod('a', 'app: web')).findings, []);
});

test('a headless Service without ready pods is explained by its name', () => {
  const headless = service('clusterIP: None, selector: {app: web}, ports: [{port: 80}]');
  const answer = ask(headless + pod('a', 'app: web', { extra: 'metadata:, annotations: {fairlead.dev/ready: "false"}' }));
  assert.equal(answer.outcome, 'no-such-name');
  assert.equal(answer.service, 'default/web');
  assert.deepEqual(
    answer.findings.map(({ code }) => code),
    ['pod-not-ready'],
  );
  assert.deepEqual(
    answer.excluded.map(({ pod: name, code }) => `${name ?? ''} ${code}`),
    ['default/a not-ready'],
  );
});

test('what is left out says what its pod says of itself', () => {
  const waiting = pod('b', 'app: web', { status: notReady('{name: c, ready: false, state: {waiting: {reason: ErrImagePull}}}') });
  const { excluded } = ask(selecting + pod('a', 'app: web') + waiting);
  assert.deepEqual(
    excluded.map(({ reason }) => reason),
    ['not ready: container c waits (ErrImagePull)'],
  );
});
