/** Stale UDP flows: which they are, how few dumps find them, and what a full conntrack table costs. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ConntrackSocket, Flow, FlowFilter, FlowTuple } from '../../linux/index.ts';
import { Conntrack } from '../../linux/index.ts';
import { formatIp, mustParseIp } from '../../net/index.ts';
import type { IpFamily } from '../../net/index.ts';
import { silentLogger } from '../../observe/index.ts';
import { FlowCleaner } from './flow-cleaner.ts';
import type { FlowTable } from './flow-cleaner.ts';
import { packEndpoint, packFrontend, packIp } from '../rows/row-bytes.ts';
import type { Bytes } from '../rows/row-bytes.ts';

/** `client>destination:port endpoint:port`, IPv4. */
function flow(text: string, protocol = 17): Flow {
  const [, client = '', destination = '', port = '', endpoint = '', endpointPort = ''] =
    /^(\S+)>(\S+):(\d+) (\S+):(\d+)$/.exec(text) ?? [];
  const ports = { sourcePort: 40_000, destinationPort: Number(port) };
  return {
    original: { source: mustParseIp(client), destination: mustParseIp(destination), protocol, ...ports },
    reply: {
      source: mustParseIp(endpoint),
      destination: mustParseIp(client),
      protocol,
      sourcePort: Number(endpointPort),
      destinationPort: 40_000,
    },
    status: 0x2e,
    timeoutSeconds: 30,
    id: 1,
  };
}

class MemoryFlows implements FlowTable {
  readonly asked: FlowFilter[] = [];
  readonly deleted: string[] = [];
  failures = 0;
  #flows: Flow[];

  constructor(flows: readonly Flow[]) {
    this.#flows = [...flows];
  }

  async walkFlows(filter: FlowFilter, visit: (flow: Flow) => void): Promise<void> {
    await Promise.resolve();
    if (this.failures-- > 0) throw new Error('no buffer space');
    this.asked.push(filter);
    for (const found of this.#flows) {
      if (found.original.protocol !== filter.protocol) continue;
      if ((filter.originalDestinationPort ?? found.original.destinationPort) === found.original.destinationPort) visit(found);
    }
  }

  deleteFlow(tuple: FlowTuple): boolean {
    const left = this.#flows.filter(({ original }) => original !== tuple);
    if (left.length === this.#flows.length) return false;
    this.#flows = left;
    this.deleted.push(`${formatIp(tuple.source)}>${formatIp(tuple.destination)}:${tuple.destinationPort}`);
    return true;
  }
}

const dns = packFrontend('IPv4', '10.96.0.10', 'UDP', 53);
const nodePort = packFrontend('IPv4', undefined, 'UDP', 30_053);

async function clean(
  flows: FlowTable,
  suspects: readonly Bytes[],
  serving: ReadonlyMap<Bytes, readonly string[]>,
  family: IpFamily = 'IPv4',
): Promise<number> {
  let count = 0;
  const endpoints = new Map([...serving].map(([key, list]) => [key, new Set(list.map((ip) => packEndpoint(ip, 8053)))]));
  const cleaner = new FlowCleaner(
    {
      flows,
      factsOf: () => ({ servingOf: (key) => endpoints.get(key) ?? new Set(), nodePortIps: [packIp('10.0.1.1')] }),
      onCleaned: (_family, { deleted }) => (count += deleted),
    },
    { logger: silentLogger },
  );
  cleaner.suspect(family, suspects);
  await cleaner.idle();
  await cleaner.stop();
  return count;
}

describe('which flows are stale', () => {
  const serving = new Map([
    [dns, ['10.244.1.2']],
    [nodePort, ['10.244.1.2']],
  ]);
  const cases: readonly (readonly [name: string, flow: Flow, isStale: boolean])[] = [
    ['D25: to a serving endpoint: kept', flow('10.0.9.1>10.96.0.10:53 10.244.1.2:8053'), false],
    ['D25: to an endpoint that is gone: deleted', flow('10.0.9.1>10.96.0.10:53 10.244.1.3:8053'), true],
    ['D24: to another port of the endpoint: deleted', flow('10.0.9.1>10.96.0.10:53 10.244.1.2:8054'), true],
    ['D25: to the Service, never translated: deleted', flow('10.0.9.1>10.96.0.10:53 10.96.0.10:53'), true],
    ['D25: to no Service: kept', flow('10.0.9.1>10.0.1.9:53 10.0.1.9:53'), false],
    ['to another port of the Service: kept', flow('10.0.9.1>10.96.0.10:54 10.244.1.3:8053'), false],
    ['D25: TCP: kept', flow('10.0.9.1>10.96.0.10:53 10.244.1.3:8053', 6), false],
    ['to the node port, endpoint gone: deleted', flow('10.0.9.1>10.0.1.1:30053 10.244.1.3:8053'), true],
    ['to the node port, endpoint serving: kept', flow('10.0.9.1>10.0.1.1:30053 10.244.1.2:8053'), false],
    ["to a node port's number elsewhere: kept, other than upstream", flow('10.0.1.1>10.0.9.1:30053 10.0.9.1:30053'), false],
  ];
  for (const [name, one, isStale] of cases) {
    test(name, async () => assert.equal(await clean(new MemoryFlows([one]), [dns, nodePort], serving), isStale ? 1 : 0));
  }

  test('D26, other than upstream: without any serving endpoint all flows of the Service go', async () => {
    const flows = new MemoryFlows([flow('10.0.9.1>10.96.0.10:53 10.244.1.2:8053'), flow('10.0.9.2>10.0.1.9:53 10.0.1.9:53')]);
    assert.equal(await clean(flows, [dns], new Map()), 1);
    assert.deepEqual(flows.deleted, ['10.0.9.1>10.96.0.10:53']);
  });
});

describe('dumps', () => {
  const keys = (count: number, port: (index: number) => number): Bytes[] =>
    Array.from({ length: count }, (_, index) => packFrontend('IPv4', `10.96.${index >> 8}.${index & 255}`, 'UDP', port(index)));
  const filter = { family: 'IPv4', protocol: 17 } as const;
  const cases: readonly (readonly [name: string, suspects: readonly Bytes[], want: readonly FlowFilter[]])[] = [
    [
      'one frontend is asked for alone',
      [dns],
      [{ ...filter, originalDestination: mustParseIp('10.96.0.10'), originalDestinationPort: 53 }],
    ],
    ['many frontends of one port take one dump', keys(1000, () => 53), [{ ...filter, originalDestinationPort: 53 }]],
    ['many frontends of many ports take one dump', keys(1000, (index) => 1000 + index), [filter]],
    ['none takes none', [], []],
  ];
  for (const [name, suspects, want] of cases) {
    test(name, async () => {
      const flows = new MemoryFlows([]);
      await clean(flows, suspects, new Map());
      assert.deepEqual(flows.asked, want);
    });
  }

  test('a dump that fails is made again', async (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const flows = new MemoryFlows([flow('10.0.9.1>10.96.0.10:53 10.244.1.2:8053')]);
    flows.failures = 1;
    const cleaner = new FlowCleaner(
      { flows, factsOf: () => ({ servingOf: () => new Set(), nodePortIps: [] }) },
      { logger: silentLogger },
    );
    cleaner.suspect('IPv4', [dns]);
    await cleaner.idle();
    assert.deepEqual(flows.deleted, []);
    context.mock.timers.tick(1000);
    await cleaner.idle();
    assert.deepEqual(flows.deleted, ['10.0.9.1>10.96.0.10:53']);
  });
});

/** A UDP flow of a pod through 10.96.0.1:80 to 10.244.1.12:8080, as Linux 6.18 dumped it. */
const recorded = Buffer.from(
  'a40000000001220001000000ae85709f020000003400018014000180080001000af4010d080002000a6000011c000280050001001100000006000200e727' +
    '000006000300005000003400028014000180080001000af4010c080002000af4010d1c0002800500010011000000060002001f90000006000300e727' +
    '000008000300000001aa080008000000000008000c000299929108000b0000000001080007000000001d',
  'hex',
);

/** Plays the recorded message so many times, each time from another client, in pieces as the kernel hands them over. */
class RecordedSocket implements ConntrackSocket {
  readonly count: number;
  /** Every so many flows one leads to an endpoint of its own. */
  readonly staleEvery: number;
  dumps = 0;
  deletions = 0;

  constructor(count: number, staleEvery: number) {
    this.count = count;
    this.staleEvery = staleEvery;
  }

  *dumpPieces(): ReturnType<ConntrackSocket['dumpPieces']> {
    this.dumps++;
    const perPiece = 190;
    const block = new Uint8Array(Buffer.concat(Array.from({ length: perPiece }, () => recorded)));
    const view = new DataView(block.buffer);
    const clientAt = recorded.indexOf(Buffer.of(10, 244, 1, 13));
    const endpointAt = recorded.indexOf(Buffer.of(10, 244, 1, 12));
    for (let done = 0; done < this.count;) {
      const messages = [];
      for (let index = 0; index < perPiece && done < this.count; index++, done++) {
        const at = index * recorded.length;
        view.setUint32(at + clientAt, 0x0b00_0000 + done);
        view.setUint32(at + endpointAt, done % this.staleEvery === 0 ? 0x0af4_0163 : 0x0af4_010c);
        messages.push({
          bytes: block,
          type: 256,
          flags: 2,
          sequence: 1,
          portId: 0,
          start: at + 16,
          end: at + recorded.length,
        });
      }
      yield messages;
    }
  }

  request(): [] {
    this.deletions++;
    return [];
  }

  dump(): never {
    throw new Error('a dump of everything at once');
  }

  close(): void {
    // Nothing is open.
  }
}

test('a table of 1,000,000 flows is walked once, without ever holding up the process, and only the stale ones go', async () => {
  const socket = new RecordedSocket(1_000_000, 10_000);
  const web = packFrontend('IPv4', '10.96.0.1', 'UDP', 80);
  const others = Array.from({ length: 500 }, (_, index) => packFrontend('IPv4', '10.96.1.1', 'UDP', 1000 + index));
  let turns = 0;
  let isDone = false;
  const breathe = (): void => {
    turns++;
    if (!isDone) setImmediate(breathe);
  };
  breathe();
  const serving = new Set([packEndpoint('10.244.1.12', 8080)]);
  const cleaner = new FlowCleaner(
    { flows: new Conntrack(socket), factsOf: () => ({ servingOf: () => serving, nodePortIps: [] }) },
    { logger: silentLogger },
  );
  cleaner.suspect('IPv4', [web, ...others]);
  await cleaner.idle();
  isDone = true;
  assert.equal(socket.dumps, 1);
  assert.equal(socket.deletions, 100);
  assert.ok(turns > 400, `the process came to other things ${turns} times`);
});
