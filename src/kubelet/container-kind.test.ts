import { test } from 'node:test';
import assert from 'node:assert/strict';
import type { Container } from '../api/index.ts';
import { classifyContainer, imageName } from './container-kind.ts';

const classify = (container: Omit<Container, 'name'>, others: readonly Container[] = []): string => {
  const own = { name: 'c', ...container };
  const result = classifyContainer(own, { containers: [own, ...others] });
  switch (result.kind) {
    case 'command':
      return `run ${result.command.join(' ')}`;
    case 'echo':
      return `echo ${result.ports.map(({ port, protocol }) => `${port}/${protocol}`).join(' ')}`;
    default:
      return result.kind;
  }
};

const cases: readonly { name: string; container: Omit<Container, 'name'>; others?: Container[]; want: string }[] = [
  { name: 'a command with args', container: { command: ['sleep'], args: ['1'] }, want: 'run sleep 1' },
  {
    name: 'nothing: both protocols of each port',
    container: { ports: [{ containerPort: 9376 }] },
    want: 'echo 9376/TCP 9376/UDP',
  },
  { name: 'nothing and no ports: port 80', container: { image: 'nginx' }, want: 'echo 80/TCP 80/UDP' },
  {
    name: 'a protocol that another container claims is left to it',
    container: { ports: [{ containerPort: 53, protocol: 'UDP' }] },
    others: [{ name: 'd', ports: [{ containerPort: 53, protocol: 'TCP' }] }],
    want: 'echo 53/UDP',
  },
  {
    name: 'netexec',
    container: { image: 'registry.k8s.io/e2e-test-images/agnhost:2.53', args: ['netexec', '--http-port=80', '--udp-port', '90'] },
    want: 'echo 80/TCP 90/UDP',
  },
  { name: 'netexec named as a command', container: { command: ['/agnhost', 'netexec'] }, want: 'echo 8080/TCP 8081/UDP' },
  { name: 'pause', container: { image: 'registry.k8s.io/pause:3.10' }, want: 'idle' },
  { name: 'busybox takes args as its command', container: { image: 'busybox:1.28', args: ['sleep', '1'] }, want: 'run sleep 1' },
  { name: 'netshoot too', container: { image: 'nicolaka/netshoot', args: ['dig', 'web'] }, want: 'run dig web' },
  { name: 'a shell for whoever sits before busybox', container: { image: 'busybox', stdin: true }, want: 'run /bin/sh' },
  { name: 'echo where nobody sits', container: { image: 'busybox' }, want: 'echo 80/TCP 80/UDP' },
  { name: 'echo of an image that is no shell', container: { image: 'nginx', stdin: true }, want: 'echo 80/TCP 80/UDP' },
  { name: 'curl of an address', container: { image: 'curlimages/curl', args: ['http://web'] }, want: 'run curl http://web' },
  { name: 'curl with options', container: { image: 'curlimages/curl', args: ['-s', 'web'] }, want: 'run curl -s web' },
  { name: 'curl by its name', container: { image: 'curlimages/curl', args: ['curl', 'web'] }, want: 'run curl web' },
  { name: 'args for an unknown entry point', container: { image: 'redis', args: ['--port', '1'] }, want: 'impossible' },
];
for (const { name, container, others, want } of cases) {
  test(name, () => assert.equal(classify(container, others), want));
}

test('image names lose registry, tag and digest', () => {
  assert.deepEqual(['a:5000/b/c:1', 'c@sha256:00', 'c'].map(imageName), ['c', 'c', 'c']);
});
