/** From a container's spec to a running one: references resolved, kind decided, sandbox described, process started. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Container, Pod } from '../api/index.ts';
import { messageOf } from '../observe/index.ts';
import { ContainerStartError, startCommand } from './command-process.ts';
import type { CommandProcess } from './command-process.ts';
import type { ContainerKind } from './container-kind.ts';
import { classifyContainer } from './container-kind.ts';
import type { ContainerProcess, ExitResult } from './container-process.ts';
import { containerUser } from './container-user.ts';
import { startEcho } from './echo-process.ts';
import type { ReferenceSource } from './environment.ts';
import { buildEnvironment, buildServiceVariables, expand } from './environment.ts';
import { placeCommand, withExecPlace } from './exec-place.ts';
import type { HostFacts } from './host-facts.ts';
import { listHostSockets } from './host-sockets.ts';
import type { LogBuffer } from './log-buffer.ts';
import type { PodContext } from './pod-context.ts';
import { podLabel } from './pod-context.ts';
import { withApiAccess } from './pod-tokens.ts';
import type { PodTokens } from './pod-tokens.ts';
import { checkVolumes, containerMounts, removePodDirectory, writeVolumes } from './pod-volumes.ts';
import { buildHosts, buildResolvConf, fqdnOf, hostnameOf, kernelHostnameOf } from './resolv-conf.ts';
import type { PodNetwork } from './runtime.ts';
import type { SandboxSpec } from './sandbox.ts';
import { buildContainerScript, defaultCapabilities, needsOwnRoot, quote } from './sandbox.ts';
import { clearTerminationMessage, readTerminationMessage, terminationMount } from './termination-message.ts';

/** A pod with its network, as containers are started into it. */
export interface PodSetup {
  readonly pod: Pod;
  readonly network: PodNetwork;
  readonly context: PodContext;
  readonly tokens: PodTokens;
}

/** How to run something in a container's place: also used by exec into containers that have no process. */
export interface PreparedSandbox {
  readonly script: string;
  readonly spec: SandboxSpec;
  readonly environment: ReadonlyMap<string, string>;
  /** Whether files inside can have other owners than root. */
  readonly hasManyUsers: boolean;
  /** Where the pod's files are, outside of it. */
  readonly podDirectory: string;
}

/** How long a terminating echo pod goes on accepting, in seconds, unless its grace is shorter. */
const drainAnnotation = 'fairlead.dev/drain-seconds';
const defaultDrainSeconds = 1;

/** Starts the container. Throws `ContainerStartError`, whose code is the waiting reason to show. */
export async function startContainer(
  setup: PodSetup,
  container: Container,
  log: LogBuffer,
  onOutput: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void,
): Promise<ContainerProcess> {
  const { pod, context } = setup;
  const spec = pod.spec ?? { containers: [] };
  const kind = classifyContainer(container, spec);
  const environment = resolveEnvironment(setup, container);
  switch (kind.kind) {
    case 'impossible':
      throw new ContainerStartError('CreateContainerConfigError', kind.problem);
    case 'idle':
      requireVolumes(setup);
      log.writeLine('idle: serves nothing');
      return withExecPlace(idleProcess(), () => openPlace(setup, container));
    case 'echo':
      requireVolumes(setup);
      return withExecPlace(await startEchoContainer(setup, kind, log), () => openPlace(setup, container));
    case 'command': {
      const prepared = await prepareSandbox(setup, container);
      const command = kind.command.map((word) => expand(word, environment));
      const { podDirectory } = prepared;
      clearTerminationMessage(container, podDirectory);
      const started = await context.limitStarts(() =>
        startCommand({
          id: `fairlead://${randomUUID()}`,
          networkPath: setup.network.namespacePath,
          script: prepared.script,
          command: container.tty === true ? withTerminal(command) : command,
          environment: prepared.environment,
          hasStdin: container.stdin === true,
          onOutput: (stream, chunk) => {
            log.write(stream, chunk);
            onOutput(stream, chunk);
          },
        }),
      );
      const exited = started.exited.then((exit) => withLastWords(exit, readTerminationMessage(container, podDirectory)));
      return { ...started, exited };
    }
    default:
      return kind satisfies never;
  }
}

function withLastWords(exit: ExitResult, message: string): ExitResult {
  return message === '' || exit.message !== undefined ? exit : { ...exit, message };
}

/** Describes the sandbox of a container and writes the pod's volumes and /etc files. Throws `ContainerStartError`. */
export async function prepareSandbox(setup: PodSetup, container: Container): Promise<PreparedSandbox> {
  const facts = await setup.context.prepareSandbox();
  const podDirectory = podDirectoryOf(facts, setup.pod);
  const environment = resolveEnvironment(setup, container);
  const { volumes, hasApiAccess } = await setup.tokens.prepare(setup.pod);
  mkdirSync(podDirectory, { recursive: true });
  const written = writeVolumes(volumes, podDirectory, referenceSource(setup));
  if (!written.ok) throw new ContainerStartError('CreateContainerConfigError', written.problem);
  const mounts = containerMounts(hasApiAccess ? withApiAccess(container) : container, volumes, podDirectory, environment);
  if (!mounts.ok) throw new ContainerStartError('CreateContainerConfigError', mounts.problem);
  const spec = sandboxSpec(setup, container, facts, podDirectory, [...mounts.mounts, terminationMount(container, podDirectory)]);
  return { spec, environment, hasManyUsers: facts.hasManyUsers, podDirectory, script: buildContainerScript(facts, spec) };
}

/** Rewrites the pod's volumes after its ConfigMaps or Secrets changed, or when its tokens grow old. */
export async function refreshVolumes(setup: PodSetup): Promise<void> {
  const facts = await setup.context.prepareSandbox();
  const { volumes } = await setup.tokens.prepare(setup.pod);
  const result = writeVolumes(volumes, podDirectoryOf(facts, setup.pod), referenceSource(setup));
  if (!result.ok) setup.context.logger.debug({ problem: result.problem }, 'volume not refreshed');
}

/** Removes what the pod has on the kubelet's tmpfs. */
export function removePodFiles(pod: Pod, facts: HostFacts): void {
  removePodDirectory(podDirectoryOf(facts, pod));
}

/** The command inside a pseudo terminal of its own (util-linux `script`), for containers and callers that want one. */
export function withTerminal(command: readonly string[], size?: { readonly columns: number; readonly rows: number }): string[] {
  const words = command.map(quote).join(' ');
  const resize = size === undefined ? '' : `stty cols ${size.columns} rows ${size.rows} 2>/dev/null; `;
  return ['/usr/bin/script', '-q', '-e', '-f', '-c', `${resize}exec ${words}`, '/dev/null'];
}

/** The container's variables, or `CreateContainerConfigError` with what is missing. */
export function resolveEnvironment(setup: PodSetup, container: Container): Map<string, string> {
  const { pod, context } = setup;
  const namespace = pod.metadata?.namespace ?? '';
  const services = buildServiceVariables(context.services.list(), namespace, pod.spec?.enableServiceLinks !== false);
  const result = buildEnvironment(container, referenceSource(setup), services);
  if (!result.ok) throw new ContainerStartError('CreateContainerConfigError', result.problem);
  const defaults: [string, string][] = [
    ['PATH', '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
    ['HOSTNAME', namesOf(setup).kernelHostname],
    ['HOME', '/root'],
    ...(container.tty === true ? [['TERM', 'xterm'] satisfies [string, string]] : []),
  ];
  return new Map([...defaults, ...result.variables]);
}

async function startEchoContainer(
  setup: PodSetup,
  kind: ContainerKind & { readonly kind: 'echo' },
  log: LogBuffer,
): Promise<Omit<ContainerProcess, 'pid' | 'enter'>> {
  const { pod, network, context } = setup;
  const { name = '', namespace = '', annotations } = pod.metadata ?? {};
  const seconds = Number(annotations?.[drainAnnotation] ?? defaultDrainSeconds);
  const hasIpv6 = network.addresses.some((address) => address.includes(':'));
  try {
    return await startEcho(
      {
        identity: {
          pod: name,
          namespace,
          node: context.nodeName,
          hostname: namesOf(setup).kernelHostname,
          podIPs: network.addresses,
        },
        network,
        ports: kind.ports,
        wildcard: hasIpv6 ? '::' : '0.0.0.0',
        drainMs: () => (Number.isFinite(seconds) ? seconds : defaultDrainSeconds) * 1000,
        log,
      },
      context,
    );
  } catch (error) {
    throw new ContainerStartError('RunContainerError', messageOf(error), { cause: error });
  }
}

/** The sandbox that commands sent into a container without a process share. */
async function openPlace(setup: PodSetup, container: Container): Promise<CommandProcess> {
  const { script, environment } = await prepareSandbox(setup, container);
  return setup.context.limitStarts(() =>
    startCommand({
      id: `fairlead://${randomUUID()}`,
      networkPath: setup.network.namespacePath,
      script,
      command: placeCommand,
      environment,
      hasStdin: false,
      onOutput: () => undefined,
    }),
  );
}

/** A container without a process reads no files, and yet must not run where a real one could not. */
function requireVolumes(setup: PodSetup): void {
  const result = checkVolumes(setup.pod.spec?.volumes ?? [], referenceSource(setup));
  if (!result.ok) throw new ContainerStartError('CreateContainerConfigError', result.problem);
}

function idleProcess(): Omit<ContainerProcess, 'pid' | 'enter'> {
  const { promise: exited, resolve } = Promise.withResolvers<ExitResult>();
  return {
    id: `fairlead://${randomUUID()}`,
    exited,
    terminate: () => resolve({ exitCode: 0, reason: 'Completed' }),
    kill: () => resolve({ exitCode: 137, signal: 9, reason: 'Error' }),
  };
}

function sandboxSpec(
  setup: PodSetup,
  container: Container,
  facts: HostFacts,
  podDirectory: string,
  mounts: SandboxSpec['mounts'],
): SandboxSpec {
  const { pod, network, context } = setup;
  const spec = pod.spec ?? { containers: [] };
  const { namespace = '' } = pod.metadata ?? {};
  const { hostname, fqdn, kernelHostname } = namesOf(setup);
  const etc = join(podDirectory, 'etc');
  mkdirSync(etc, { recursive: true });
  writeFileSync(join(etc, 'resolv.conf'), buildResolvConf(spec, namespace, context.dns));
  writeFileSync(join(etc, 'hosts'), buildHosts({ addresses: network.addresses, hostname, fqdn }, spec.hostAliases));
  writeFileSync(join(etc, 'hostname'), `${kernelHostname}\n`);
  const user = containerUser(container, spec, podLabel(pod));
  if (!user.ok) throw new ContainerStartError('CreateContainerConfigError', user.problem);
  const { uid, gid } = user;
  const workingDir = container.workingDir === undefined || container.workingDir === '' ? '/' : container.workingDir;
  const ownRoot = needsOwnRoot([...mounts.map(({ target }) => target), workingDir], (first) =>
    facts.rootEntries.some((entry) => entry.name === first),
  );
  return {
    hostname: kernelHostname,
    workingDir,
    privateDirectories: facts.privateDirectories,
    rootEntries: ownRoot ? facts.rootEntries : undefined,
    etcDirectory: etc,
    mounts,
    hiddenSockets: listHostSockets(facts.privateDirectories),
    user: uid === 0 ? undefined : { uid, gid, isMapped: facts.hasManyUsers },
    capabilities: capabilitiesOf(container),
  };
}

/** The pod's names. Throws `ContainerStartError` when the kernel cannot be told the one that is wanted. */
function namesOf({ pod, context }: PodSetup): { hostname: string; fqdn: string | undefined; kernelHostname: string } {
  const { name = '', namespace = '' } = pod.metadata ?? {};
  const spec = pod.spec ?? { containers: [] };
  const hostname = hostnameOf({ name, spec, nodeName: context.nodeName });
  const fqdn = fqdnOf(hostname, spec, namespace, context.dns.domain);
  const kernelHostname = kernelHostnameOf(hostname, fqdn, spec);
  if (kernelHostname !== undefined) return { hostname, fqdn, kernelHostname };
  throw new ContainerStartError(
    'CreateContainerConfigError',
    `setHostnameAsFQDN: ${fqdn ?? hostname} is too long for a host name (64 characters is the max, ${(fqdn ?? hostname).length} characters requested)`,
  );
}

function capabilitiesOf(container: Container): string[] {
  const { add = [], drop = [] } = container.securityContext?.capabilities ?? {};
  const plain = (name: string): string => name.toLowerCase().replace(/^cap_/, '');
  const dropped = new Set(drop.map(plain));
  // what would open the host's files or devices is never given
  const offered = new Set(['net_admin', 'sys_nice', 'sys_ptrace', 'ipc_lock', 'net_broadcast', ...defaultCapabilities]);
  const kept = dropped.has('all') ? [] : defaultCapabilities.filter((name) => !dropped.has(name));
  const asked = container.securityContext?.privileged === true ? [...offered] : add.map(plain);
  return [...new Set([...kept, ...asked.filter((name) => offered.has(name))])];
}

function referenceSource({ pod, network, context, tokens }: PodSetup): ReferenceSource {
  const namespace = pod.metadata?.namespace ?? '';
  return {
    pod,
    podIPs: network.addresses,
    hostIPs: context.runtime.nodeAddresses,
    nodeName: context.nodeName,
    allocatable: context.nodes.get(context.nodeName)?.status?.allocatable ?? {},
    getConfigMap: (name) => context.configMaps.get(`${namespace}/${name}`),
    getSecret: (name) => context.secrets.get(`${namespace}/${name}`),
    getToken: (projection) => tokens.get(projection),
  };
}

function podDirectoryOf(facts: HostFacts, pod: Pod): string {
  return join(facts.directory, 'pods', pod.metadata?.uid ?? 'unknown');
}
