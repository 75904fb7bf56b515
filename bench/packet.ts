/**
 * What a connection pays: from SYN to SYN-ACK, and connections a second, through cluster IPs of random Services by their number, with
 * and without session affinity, beside the same pods without a Service in between.
 *
 *     npm run bench packet                                       a minute
 *     npm run bench packet -- --sizes 1,1k,10k,30k --connections 10000 --rounds 3
 *
 * One client connects without pause and resets each connection. Direct and through Services alternate, so that what else the machine
 * does meets both.
 */
import { percentile, printJson, printTable, round } from './shapes/figures.ts';
import { startMeasuredAgent } from './shapes/measured-agent.ts';
import { podPort } from './shapes/objects.ts';
import { pairPodCidr, PodPair, serverAddresses } from './shapes/pod-pair.ts';
import type { DialReport } from './shapes/connect-program.ts';
import { isRoot, readFlags, readSizes, runStage, serveStages } from './shapes/stage.ts';

interface PacketFacts {
  readonly serviceCount: number;
  readonly hasAffinity: boolean;
  readonly connections: number;
  readonly rounds: number;
}

interface Figures {
  readonly direct: DialReport;
  readonly service: DialReport;
  /** Before any table was loaded: without connection tracking. */
  readonly bare: DialReport;
}

const endpointCount = 10;
const stages = { packets: measurePackets };

/** The benchmark. */
export async function run(args: readonly string[]): Promise<void> {
  const flags = readFlags(args, { sizes: '1,1k,10k,30k', connections: '10000', rounds: '3', as: 'self' });
  const options = { asUser: flags.as === 'user' };
  const results: (PacketFacts & Figures)[] = [];
  for (const serviceCount of readSizes(flags.sizes)) {
    for (const hasAffinity of [false, true]) {
      const facts = { serviceCount, hasAffinity, connections: Number(flags.connections), rounds: Number(flags.rounds) };
      results.push({ ...facts, ...(await runStage<Figures>(import.meta.url, 'packets', facts, options)) });
    }
  }
  printTable(
    `new connections (${isRoot && !options.asUser ? 'root' : 'rootless'}), microseconds from SYN to SYN-ACK`,
    results.flatMap(({ serviceCount, hasAffinity, bare, direct, service }) =>
      (
        [
          [hasAffinity ? 'Service, affinity' : 'Service', service],
          ['direct, table loaded', direct],
          ['direct, no table', bare],
        ] as const
      ).map(([what, report]) => ({
        services: serviceCount,
        what,
        p50: report.p50Us,
        p99: report.p99Us,
        'connections/s': report.perSecond,
        failures: report.failures,
        'p50 / direct': what.startsWith('Service') ? round(service.p50Us / direct.p50Us) : undefined,
      })),
    ),
  );
  printJson({
    bench: 'packet',
    isRootless: !isRoot || options.asUser,
    results: results.map((result) => ({
      ...result,
      p50OverDirect: round(result.service.p50Us / result.direct.p50Us),
      p50OverBare: round(result.service.p50Us / result.bare.p50Us),
    })),
  });
}

async function measurePackets({ serviceCount, hasAffinity, connections, rounds }: PacketFacts): Promise<Figures> {
  const podAddresses = serverAddresses(endpointCount);
  const pair = new PodPair();
  await pair.start(endpointCount);
  const toPods = { addresses: podAddresses, port: podPort, connections };
  await pair.dial({ ...toPods, connections: warmUps });
  const bare = median([await pair.dial(toPods), await pair.dial(toPods), await pair.dial(toPods)]);
  const shape = { serviceCount, endpointsPerService: endpointCount, hasAffinity, podAddresses };
  const { stop } = await startMeasuredAgent(shape, { openNetfilter: () => pair.openNetfilter(), podCidrs: [pairPodCidr] });
  await pair.dial({ serviceCount, connections: warmUps });
  const direct: DialReport[] = [];
  const service: DialReport[] = [];
  for (let index = 0; index < rounds; index++) {
    direct.push(await pair.dial(toPods));
    service.push(await pair.dial({ serviceCount, connections }));
  }
  await stop();
  await pair.stop();
  return { bare, direct: median(direct), service: median(service) };
}

const warmUps = 3000;

/** Of each figure its median over the rounds; failures are added up. */
function median(reports: readonly DialReport[]): DialReport {
  const of = (key: keyof DialReport): number =>
    percentile(
      reports.map((report) => report[key]),
      0.5,
    );
  return {
    connections: of('connections'),
    failures: reports.reduce((sum, report) => sum + report.failures, 0),
    p50Us: of('p50Us'),
    p99Us: of('p99Us'),
    maxUs: of('maxUs'),
    perSecond: of('perSecond'),
  };
}

if (import.meta.main) await serveStages(stages, run);
