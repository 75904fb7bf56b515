/** Doing many like things, a few at first. Source: k8s replicaset slowStartBatch. */

/** Calls `act` `count` times in batches of 1, 2, 4, … at once; the first failure ends it after its batch, so a refusal costs few requests. */
export async function slowStart(count: number, act: () => Promise<void>): Promise<void> {
  for (let done = 0, size = 1; done < count; done += size, size *= 2) {
    const batch = Math.min(size, count - done);
    const results = await Promise.allSettled(Array.from({ length: batch }, act));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }
}
