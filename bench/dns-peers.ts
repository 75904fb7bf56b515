/** Other name servers with the very records of ours: their configuration in a scratch folder, their process on a port of loopback. */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createSocket } from 'node:dgram';
import { join } from 'node:path';
import { decodeMessage, encodeMessage, headerFlags, queryMessage } from '../src/dns/index.ts';
import { formatName, mustEncodeName, NameIndex, recordTexts, rrTypes } from '../src/names/index.ts';
import { typeName } from '../src/dns/index.ts';

/** A server that answers. */
export interface RunningServer {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

export const peerNames = ['unbound', 'knot', 'nsd'] as const;
export type PeerName = (typeof peerNames)[number];

/** Why a peer cannot run here, or undefined. */
export function peerProblem(name: PeerName): string | undefined {
  const program = programs[name];
  const found = spawnSync('which', [program], { env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` } });
  return found.status === 0 ? undefined : `${program} is not installed; Debian: apt-get install ${name}`;
}

/** All records of an index as lines of a zone file: absolute owners, one record a line. */
export function zoneLines(index: NameIndex): string[] {
  const zone = `${index.zone}.`;
  const ttl = index.ttlSeconds;
  const lines = [
    `${zone} ${ttl} IN SOA ns.dns.${zone} hostmaster.${zone} 1 7200 1800 86400 ${ttl}`,
    `${zone} ${ttl} IN NS ns.dns.${zone}`,
    `ns.dns.${zone} ${ttl} IN A 127.0.0.1`,
  ];
  for (const known of index.services()) {
    for (const [owner, rrset] of index.recordsOf(known)) {
      const name = `${formatName(owner)}.${zone}`;
      for (const text of recordTexts(rrset, index.zone)) lines.push(`${name} ${ttl} IN ${typeName(rrset.type)} ${text}`);
    }
  }
  return lines;
}

export interface PeerOptions {
  readonly lines: readonly string[];
  readonly folder: string;
  readonly prefix?: readonly string[];
  /** Where unbound asks for other names. */
  readonly upstreamPort?: number;
}

/** Starts a peer, behind `prefix` (taskset), and waits until it answers for the zone. */
export async function startPeer(name: PeerName, options: PeerOptions): Promise<RunningServer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startPeerAt(name, await freePort(), options);
    } catch (error) {
      // the port was free a moment ago, and for UDP: another program may have it by now, or for TCP
      if (attempt === 5 || !(error instanceof Error) || !/in use/i.test(error.message)) throw error;
    }
  }
}

async function startPeerAt(name: PeerName, port: number, options: PeerOptions): Promise<RunningServer> {
  const folder = join(options.folder, name);
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'conf');
  const zoneFile = join(folder, 'cluster.zone');
  if (name === 'unbound') writeFileSync(config, unboundConfig(folder, port, options.lines, options.upstreamPort));
  else {
    writeFileSync(zoneFile, `$ORIGIN cluster.local.\n${options.lines.join('\n')}\n`);
    writeFileSync(config, name === 'knot' ? knotConfig(folder, port) : nsdConfig(folder, port, zoneFile));
  }
  const words = name === 'knot' ? ['-c', config] : ['-d', '-c', config];
  const [program = '', ...rest] = [...(options.prefix ?? []), programs[name], ...words];
  const child = spawn(program, rest, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` },
  });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  try {
    await untilAnswers(port, child);
  } catch (error) {
    child.kill('SIGKILL');
    throw new Error(`${name} does not answer: ${said.slice(-500)}`, { cause: error });
  }
  return {
    name,
    port,
    pid: child.pid ?? 0,
    async stop() {
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}

/** Sends one question over UDP; undefined when no answer comes. */
export async function askOnce(
  port: number,
  name: string,
  type: number,
  waitMs = 200,
): Promise<ReturnType<typeof decodeMessage> | undefined> {
  const socket = createSocket('udp4');
  const { promise, resolve } = Promise.withResolvers<ReturnType<typeof decodeMessage> | undefined>();
  const timer = setTimeout(() => resolve(undefined), waitMs);
  socket.on('error', () => resolve(undefined));
  socket.on('message', (bytes) => resolve(decodeMessage(bytes)));
  socket.send(encodeMessage(queryMessage(7, `${mustEncodeName(name)}\0`, type, headerFlags.RD, 1232)), port, '127.0.0.1');
  const answer = await promise;
  clearTimeout(timer);
  socket.close();
  return answer;
}

const programs: Readonly<Record<PeerName, string>> = { unbound: 'unbound', knot: 'knotd', nsd: 'nsd' };

async function untilAnswers(port: number, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const answer = await askOnce(port, 'cluster.local', rrTypes.SOA);
    if (answer !== undefined && answer.rcode === 0) return;
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`status ${String(child.exitCode)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.bind(0, '127.0.0.1', resolve);
  await promise;
  const { port } = socket.address();
  socket.close();
  return port;
}

function unboundConfig(folder: string, port: number, lines: readonly string[], upstreamPort: number | undefined): string {
  const forward = upstreamPort === undefined ? '' : `forward-zone:\n  name: "."\n  forward-addr: 127.0.0.1@${upstreamPort}\n`;
  return `server:
  interface: 127.0.0.1
  port: ${port}
  num-threads: 1
  username: ""
  chroot: ""
  directory: "${folder}"
  pidfile: "${join(folder, 'pid')}"
  use-syslog: no
  do-daemonize: no
  do-not-query-localhost: no
  module-config: "iterator"
  access-control: 127.0.0.0/8 allow
  local-zone: "cluster.local." static
${lines.map((line) => `  local-data: "${line}"`).join('\n')}
remote-control:
  control-enable: no
${forward}`;
}

function knotConfig(folder: string, port: number): string {
  return `server:
  rundir: "${folder}"
  pidfile: "${join(folder, 'pid')}"
  listen: 127.0.0.1@${port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: "${folder}"
log:
  - target: stderr
    any: error
zone:
  - domain: cluster.local
    storage: "${folder}"
    file: cluster.zone
    zonefile-sync: -1
    journal-content: none
`;
}

function nsdConfig(folder: string, port: number, zoneFile: string): string {
  return `server:
  ip-address: 127.0.0.1
  port: ${port}
  server-count: 1
  username: ""
  chroot: ""
  database: ""
  zonesdir: "${folder}"
  pidfile: "${join(folder, 'pid')}"
  xfrdfile: "${join(folder, 'xfrd')}"
  zonelistfile: "${join(folder, 'zonelist')}"
  verbosity: 0
  rrl-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: cluster.local
  zonefile: "${zoneFile}"
`;
}
