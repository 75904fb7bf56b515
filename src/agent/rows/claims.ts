/** Which Services want each frontend, and who of them gets it. Pure; a change costs little however many want the same. */
import { compareClaims } from '../../routing/index.ts';
import type { WantedFrontend } from './compile.ts';
import type { Bytes } from './row-bytes.ts';

/** A frontend that a Service asked for and another one has. */
export interface LostClaim {
  readonly service: string;
  readonly winner: string;
  readonly frontend: Bytes;
}

export class Claims {
  /** Best claim first. Nearly all lists have one member. */
  readonly #claims = new Map<Bytes, WantedFrontend[]>();
  /** Frontends with more than one claim. */
  readonly #contested = new Set<Bytes>();
  #version = 0;

  /** Becomes another number with whatever changes the lost claims. */
  get version(): number {
    return this.#version;
  }

  /** Who gets the frontend; undefined when nobody wants it. */
  winner(key: Bytes): WantedFrontend | undefined {
    return this.#claims.get(key)?.[0];
  }

  add(frontend: WantedFrontend): void {
    const claims = this.#claims.get(frontend.key);
    if (claims === undefined) {
      this.#claims.set(frontend.key, [frontend]);
      return;
    }
    claims.splice(placeOf(frontend, claims), 0, frontend);
    this.#contested.add(frontend.key);
    this.#version++;
  }

  /** Takes away what the Service of this frontend has claimed of it. */
  remove(frontend: WantedFrontend): void {
    const claims = this.#claims.get(frontend.key);
    if (claims === undefined) return;
    if (claims.length > 1) this.#version++;
    const at = placeOf(frontend, claims);
    let end = at;
    while (claims[end]?.service === frontend.service) end++;
    claims.splice(at, end - at);
    if (claims.length === 0) this.#claims.delete(frontend.key);
    if (claims.length < 2) this.#contested.delete(frontend.key);
  }

  /** Frontends that several Services want: who lost to whom. */
  lost(): LostClaim[] {
    const lost: LostClaim[] = [];
    for (const frontend of this.#contested) {
      const claims = this.#claims.get(frontend) ?? [];
      const winner = claims[0]?.service ?? '';
      for (const { service } of claims) if (service !== winner) lost.push({ service, winner, frontend });
    }
    return lost;
  }
}

/** The first place at which the claim, or one that is as good, can stand. */
function placeOf(claim: WantedFrontend, claims: readonly WantedFrontend[]): number {
  let [low, high] = [0, claims.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = claims[middle];
    if (other !== undefined && compareClaims(other, claim) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
