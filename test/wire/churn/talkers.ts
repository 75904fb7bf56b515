/** UDP clients that keep their socket: their flow stays with an endpoint that still serves, and leaves one that does not. */
import type { UdpClient } from '../agent-lab.ts';
import type { Clients } from './clients.ts';
import { quickMs, servedTimeoutMs } from './clients.ts';
import type { NodeRoutes } from './decisions.ts';
import { servingEndpoints } from './decisions.ts';
import type { Question } from './expected-answer.ts';
import { frontendOn, nodePortAddress } from './expected-answer.ts';

/** Where a flow stands: the node that translated it, and the endpoint it leads to. */
interface Landed {
  readonly node: string;
  readonly endpoint: string;
}

interface Talker {
  readonly question: Question;
  readonly client: UdpClient;
  landed: Landed | undefined;
  asks: number;
}

const count = 8;
/** A client gives way to another one after so many datagrams. */
const maxAsks = 12;

export class Talkers {
  readonly #clients: Clients;
  readonly #talkers: (Talker | undefined)[] = Array.from({ length: count }, () => undefined);

  constructor(clients: Clients) {
    this.#clients = clients;
  }

  /** One of them, by turns, sends a datagram. `held`: where its flow was and must still be. */
  async ask(
    turn: number,
    draw: () => Question,
    isServed: (question: Question) => boolean,
  ): Promise<{ readonly question: Question; readonly answer: string; readonly held: string | undefined }> {
    let talker = this.#talkers[turn % count];
    if (talker === undefined || talker.asks >= maxAsks) {
      talker?.client.close();
      const question = draw();
      talker = { question, client: await this.#clients.openTalker(question), landed: undefined, asks: 0 };
      this.#talkers[turn % count] = talker;
    }
    talker.asks++;
    const { question, landed } = talker;
    const answer = await talker.client.ask(landed !== undefined || isServed(question) ? servedTimeoutMs : quickMs);
    return { question, answer, held: landed?.endpoint };
  }

  /** Where the one whose turn it is has landed. */
  note(turn: number, landed: Landed): void {
    const talker = this.#talkers[turn % count];
    if (talker !== undefined) talker.landed = landed;
  }

  /** To be called after every sync: a flow whose endpoint serves its frontend no longer is free to go where new ones go. */
  prune(routesOf: (node: string, family: Question['family']) => NodeRoutes): void {
    for (const [index, talker] of this.#talkers.entries()) {
      if (talker?.landed === undefined) continue;
      const { question, landed } = talker;
      const routes = routesOf(landed.node, question.family);
      const isNodeAddress = !/^(10\.96|10\.0\.8)\.|^fd00:(10:96|0:0:8):/.test(question.address);
      if (isNodeAddress && nodePortAddress(routes) !== question.address) {
        // no address for node ports any more: nobody looks after its flows
        talker.client.close();
        this.#talkers[index] = undefined;
        continue;
      }
      const routed = frontendOn(routes, question);
      if (routed === undefined || !servingEndpoints(routed.port).has(landed.endpoint)) talker.landed = undefined;
    }
  }

  close(): void {
    for (const talker of this.#talkers) talker?.client.close();
  }
}
