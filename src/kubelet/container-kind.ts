/** What a container of the lab is, since images are not pulled: a command of the host, an echo server, or idle. Pure. */
import type { Container, PodSpec } from '../api/index.ts';
import type { EchoPort } from './echo-server.ts';

export type ContainerKind =
  | { readonly kind: 'command'; readonly command: readonly string[] }
  | { readonly kind: 'echo'; readonly ports: readonly EchoPort[] }
  /** Holds its place and does nothing: the `pause` image. */
  | { readonly kind: 'idle' }
  /** Cannot run; the sentence says why and what to do. */
  | { readonly kind: 'impossible'; readonly problem: string };

/** Ports that an echo container serves when the pod declares none at all. */
const defaultPort = 80;

/** Images without an entry point that are used for the programs in them, by the last part of their names. */
const shellImages: ReadonlySet<string> = new Set([
  'alpine',
  'bash',
  'busybox',
  'busyboxplus',
  'centos',
  'debian',
  'dnsutils',
  'fedora',
  'jessie-dnsutils',
  'netshoot',
  'ubuntu',
]);

/**
 * Decides by command, args and image name:
 * - a `command` is run with its `args` (`$(VAR)` still to be expanded);
 * - `args` alone belong to an entry point that only the image knows: the usual test image's `netexec`, `serve-hostname` and
 *   `pause` are understood, and `curl`'s; an image that people have for its shell takes args as its command, anything else is
 *   impossible;
 * - nothing at all, with standard input, in such an image: a shell;
 * - nothing at all: echo on every declared port, in both protocols where no other container of the pod claims one. A pod that
 *   declares no port serves 80, so that `kubectl run web --image=nginx` can be exposed.
 */
export function classifyContainer(
  container: Pick<Container, 'name' | 'image' | 'command' | 'args' | 'ports' | 'stdin'>,
  spec: PodSpec,
): ContainerKind {
  const { command = [], args = [] } = container;
  if (command.length > 0 && !isAgnhost(command[0] ?? '')) return { kind: 'command', command: [...command, ...args] };
  const words = [...command.slice(1), ...args];
  const image = imageName(container.image ?? '');
  if (image === 'pause') return { kind: 'idle' };
  // somebody sits before it: kubectl run -it NAME --image=busybox
  if (words.length === 0 && container.stdin === true && shellImages.has(image)) return { kind: 'command', command: ['/bin/sh'] };
  if (words.length === 0) return { kind: 'echo', ports: echoPorts(container, spec, []) };
  if (image.startsWith('agnhost') || command.length > 0) return classifyAgnhost(container, spec, words);
  if (shellImages.has(image)) return { kind: 'command', command: words };
  // its entry point puts curl before what begins as an option or an address
  if (image === 'curl') return { kind: 'command', command: /^-|[./:]/.test(words[0] ?? '') ? ['curl', ...words] : words };
  return {
    kind: 'impossible',
    problem: `container "${container.name}" has args but no command: the entry point of image ${JSON.stringify(container.image ?? '')} is not known here, because images are not pulled; write the program into command`,
  };
}

/** `registry.k8s.io/e2e-test-images/agnhost:2.53` is `agnhost`. */
export function imageName(image: string): string {
  const last = image.split('/').at(-1) ?? '';
  return last.split('@')[0]?.split(':')[0] ?? '';
}

function classifyAgnhost(container: Pick<Container, 'name' | 'ports'>, spec: PodSpec, words: readonly string[]): ContainerKind {
  const [verb, ...flags] = words;
  switch (verb) {
    case 'pause':
      return { kind: 'idle' };
    case 'netexec':
      return {
        kind: 'echo',
        ports: echoPorts(container, spec, [
          { port: flagValue(flags, 'http-port', 8080), protocol: 'TCP' },
          { port: flagValue(flags, 'udp-port', 8081), protocol: 'UDP' },
        ]),
      };
    case 'serve-hostname':
      return { kind: 'echo', ports: echoPorts(container, spec, [{ port: flagValue(flags, 'port', 9376), protocol: 'TCP' }]) };
    default:
      return { kind: 'impossible', problem: `agnhost ${verb ?? ''} is not built in; netexec, serve-hostname and pause are` };
  }
}

function flagValue(flags: readonly string[], name: string, fallback: number): number {
  for (const [index, flag] of flags.entries()) {
    const match = /^--?([\w-]+)(?:=(.*))?$/.exec(flag);
    if (match?.[1] === name) return Number(match[2] ?? flags[index + 1] ?? fallback);
  }
  return fallback;
}

function isAgnhost(program: string): boolean {
  return program === '/agnhost' || program === 'agnhost';
}

function echoPorts(container: Pick<Container, 'name' | 'ports'>, spec: PodSpec, wanted: readonly EchoPort[]): EchoPort[] {
  const others = new Set<string>();
  let declaredInPod = 0;
  const all = [...(spec.initContainers ?? []), ...spec.containers];
  for (const other of all) {
    declaredInPod += other.ports?.length ?? 0;
    if (other.name === container.name) continue;
    for (const { containerPort, protocol = 'TCP' } of other.ports ?? []) others.add(`${containerPort}/${protocol}`);
  }
  const chosen = new Map<string, EchoPort>();
  const claim = (port: number, protocol: string): void => {
    if (protocol === 'TCP' || protocol === 'UDP') chosen.set(`${port}/${protocol}`, { port, protocol });
  };
  for (const { port, protocol } of wanted) claim(port, protocol);
  for (const { containerPort, protocol = 'TCP' } of container.ports ?? []) claim(containerPort, protocol);
  for (const { containerPort } of container.ports ?? []) {
    for (const protocol of ['TCP', 'UDP'] as const)
      if (!others.has(`${containerPort}/${protocol}`)) claim(containerPort, protocol);
  }
  const isFirst = spec.containers[0]?.name === container.name;
  if (chosen.size === 0 && declaredInPod === 0 && isFirst) {
    claim(defaultPort, 'TCP');
    claim(defaultPort, 'UDP');
  }
  return [...chosen.values()];
}
