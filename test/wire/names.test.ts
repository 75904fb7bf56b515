/** Names on the wire: examples 05, 06 and 07, asked with dig where it is installed and with our own codec. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { pods, services } from '../../src/api/index.ts';
import { applyText, until, useCluster } from './cluster-harness.ts';
import { hasProgram, isInside } from './linux-harness.ts';
import { execInPod } from './pod-exec.ts';

const manifests = `
apiVersion: v1
kind: Service
metadata: {name: my-service}
spec:
  clusterIP: None
  selector: {app.kubernetes.io/name: MyApp}
  ports: [{name: web, protocol: TCP, port: 80, targetPort: 9376}]
---
apiVersion: v1
kind: Service
metadata: {name: other}
spec: {clusterIP: None, selector: {app.kubernetes.io/name: MyApp}, ports: [{port: 80, targetPort: 9376}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  serviceName: my-service
  replicas: 3
  selector: {matchLabels: {app.kubernetes.io/name: MyApp}}
  template:
    metadata: {labels: {app.kubernetes.io/name: MyApp}}
    spec: {containers: [{name: c, image: echo, ports: [{containerPort: 9376}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: default-subdomain}
spec: {selector: {name: busybox}, clusterIP: None, ports: [{name: foo, port: 1234, targetPort: 1234}]}
---
apiVersion: v1
kind: Pod
metadata: {name: busybox1, labels: {name: busybox}}
spec: {hostname: busybox-1, subdomain: default-subdomain, containers: [{name: c, image: "busybox:1.28", command: [sleep, "3600"]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: busybox2, labels: {name: busybox}}
spec: {hostname: busybox-2, subdomain: not-the-service, containers: [{name: c, image: echo}]}
---
apiVersion: v1
kind: Service
metadata: {name: sample-externalname}
spec: {type: ExternalName, externalName: thisis.externalname.com}
---
apiVersion: v1
kind: Service
metadata: {name: virtual}
spec: {selector: {app.kubernetes.io/name: MyApp}, ports: [{name: http, port: 80, targetPort: 9376}]}
`;
const domain = 'default.svc.cluster.local';
const client = 'pod/default/web-0';
const nxdomain = 3;

if (isInside(import.meta.url)) {
  const cluster = useCluster({}, manifests);
  const ask = async (
    name: string,
    type: 'A' | 'AAAA' | 'CNAME' | 'SRV' | 'PTR' = 'A',
  ): Promise<{ rcode: number; records: readonly string[] }> => cluster().prober.resolve(client, name, type);
  const assertMissing = async (name: string): Promise<void> => {
    const { rcode, records } = await ask(name);
    assert.equal(`${name}: code ${rcode} ${records.join(', ')}`, `${name}: code ${nxdomain} `);
  };
  const addressOf = async (name: string): Promise<string> =>
    `A ${(await cluster().client.get(pods, name, { namespace: 'default' })).status?.podIP ?? ''}`;

  test('a headless name gives every ready pod, and the order rotates', async () => {
    const members = (await Promise.all(['web-0', 'web-1', 'web-2'].map(addressOf))).sort();
    const firsts = new Set<string>();
    for (let index = 0; index < 40; index++) {
      const { records } = await ask(`my-service.${domain}`);
      assert.deepEqual([...records].sort(), members);
      firsts.add(records[0] ?? '');
    }
    assert.equal(firsts.size, 3, 'every pod takes the first place now and then');
  });

  test('a pod that is not ready vanishes from the name and comes back', async () => {
    const setReady = (value: string | null): Promise<unknown> =>
      cluster().client.patch(
        pods,
        'web-2',
        'merge',
        { metadata: { annotations: { 'fairlead.dev/ready': value } } },
        { namespace: 'default' },
      );
    const gone = await addressOf('web-2');
    await setReady('false');
    await until('two are left', async () => (await ask(`my-service.${domain}`)).records.length === 2);
    assert.ok(!(await ask(`my-service.${domain}`)).records.includes(gone));
    await assertMissing(`web-2.my-service.${domain}`);
    await setReady(null);
    await until('three again', async () => (await ask(`my-service.${domain}`)).records.length === 3);
  });

  test('web-0.my-service is the one pod, and web-0 of a Service that does not govern the set is nothing', async () => {
    assert.deepEqual((await ask(`web-0.my-service.${domain}`)).records, [await addressOf('web-0')]);
    await assertMissing(`web-0.other.${domain}`);
    await assertMissing(`web-7.my-service.${domain}`);
  });

  test('exactly hostname.subdomain resolves: not the pod name, nor a subdomain that is no Service name', async () => {
    assert.deepEqual((await ask(`busybox-1.default-subdomain.${domain}`)).records, [await addressOf('busybox1')]);
    await assertMissing(`busybox1.default-subdomain.${domain}`);
    await assertMissing(`busybox-2.default-subdomain.${domain}`);
    await assertMissing(`busybox-2.not-the-service.${domain}`);
  });

  test('an ExternalName is a CNAME, and nothing exists below it', async () => {
    assert.deepEqual((await ask(`sample-externalname.${domain}`, 'CNAME')).records, ['CNAME thisis.externalname.com']);
    assert.equal((await ask(`sample-externalname.${domain}`, 'A')).records[0], 'CNAME thisis.externalname.com');
    await assertMissing(`x.sample-externalname.${domain}`);
  });

  test('a virtual name has its cluster IP, and NODATA for the family that it lacks', async () => {
    const service = await cluster().client.get(services, 'virtual', { namespace: 'default' });
    assert.deepEqual((await ask(`virtual.${domain}`)).records, [`A ${service.spec?.clusterIP ?? ''}`]);
    assert.deepEqual(await ask(`virtual.${domain}`, 'AAAA'), { rcode: 0, records: [] });
  });

  test('a name exists as soon as its Service does, without waiting for any cache', async () => {
    await assertMissing(`late.${domain}`);
    await applyText(cluster(), 'apiVersion: v1\nkind: Service\nmetadata: {name: late}\nspec: {ports: [{port: 80}]}\n');
    const took = await until('the new name resolves', async () => (await ask(`late.${domain}`)).rcode === 0, 1000);
    assert.ok(took < 1000, `${took} ms`);
  });

  const digSkip = hasProgram('dig') ? {} : { skip: 'dig is not installed; Debian: apt-get install dnsutils' };
  const execute = promisify(execFile);
  /** Not synchronously: the name server answers in this very process. */
  const inPlace = async (program: string, ...parameters: readonly string[]): Promise<string> => {
    const place = cluster().lab.place(client);
    const { stdout } = await execute('nsenter', [`--net=${place.namespacePath}`, program, ...parameters], { encoding: 'utf8' });
    return stdout;
  };
  const dig = (...parameters: readonly string[]): Promise<string> =>
    inPlace('dig', '@10.96.0.10', '+time=2', '+tries=1', ...parameters);

  test('dig sees the same by UDP and TCP, SRV and PTR included', digSkip, async () => {
    const members = (await Promise.all(['web-0', 'web-1', 'web-2'].map(addressOf))).map((text) => text.slice(2)).sort();
    for (const protocol of ['+notcp', '+tcp']) {
      assert.deepEqual((await dig(protocol, '+short', `my-service.${domain}`)).trim().split('\n').sort(), members);
    }
    const srv = (await dig('+short', `_web._tcp.my-service.${domain}`, 'SRV')).trim().split('\n');
    assert.equal(srv.length, 3);
    for (const line of srv) assert.match(line, /^0 \d+ 9376 web-\d\.my-service\.default\.svc\.cluster\.local\.$/);
    const service = await cluster().client.get(services, 'virtual', { namespace: 'default' });
    assert.equal((await dig('+short', '-x', service.spec?.clusterIP ?? '')).trim(), `virtual.${domain}.`);
    assert.match(await dig(`nothing.${domain}`), /status: NXDOMAIN/);
    assert.match(await dig('www.example.com'), /status: NXDOMAIN/);
  });

  test('a program in a pod resolves short names through its search path', async () => {
    const { records } = await ask(`virtual.${domain}`);
    const output = await execInPod(cluster(), 'busybox1', ['getent', 'hosts', 'virtual']);
    assert.match(output, new RegExp(`^${(records[0] ?? '').slice(2)}\\s+virtual\\.default\\.svc\\.cluster\\.local`));
  });
}
