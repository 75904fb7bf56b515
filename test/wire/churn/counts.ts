/** What a run of the churn has done so far. */
export interface ChurnCounts {
  readonly seed: number;
  rounds: number;
  changes: number;
  /** Tables read back and compared. */
  tables: number;
  served: number;
  refused: number;
  dropped: number;
  /** To what is no Service's. */
  elsewhere: number;
  /** Connections that had to come back to their client's endpoint, and did. */
  pinned: number;
  /** Datagrams of UDP clients that keep their socket; and those whose flow had to stay where it was. */
  talks: number;
  steady: number;
  /** Texts over connections that stay open. */
  pings: number;
  healthChecks: number;
  restarts: number;
  damages: number;
}

/** Of a run that is to begin. */
export function noCounts(seed: number): ChurnCounts {
  return {
    seed,
    rounds: 0,
    changes: 0,
    tables: 0,
    served: 0,
    refused: 0,
    dropped: 0,
    elsewhere: 0,
    pinned: 0,
    talks: 0,
    steady: 0,
    pings: 0,
    healthChecks: 0,
    restarts: 0,
    damages: 0,
  };
}
