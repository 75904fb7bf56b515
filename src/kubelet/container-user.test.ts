import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerUser } from './container-user.ts';

const cases = [
  { about: 'root, when nobody says anything', own: {}, pod: {}, want: [0, 0] },
  { about: "the pod's user", own: {}, pod: { runAsUser: 1000, runAsGroup: 3000 }, want: [1000, 3000] },
  {
    about: "the container's before the pod's",
    own: { runAsUser: 7 },
    pod: { runAsUser: 1000, runAsGroup: 3000 },
    want: [7, 3000],
  },
  { about: 'somebody who is not root, when only that is said', own: {}, pod: { runAsNonRoot: true }, want: [65_532, 65_532] },
  { about: 'root all the same, when the container may', own: { runAsNonRoot: false }, pod: { runAsNonRoot: true }, want: [0, 0] },
  { about: 'nobody, when root is asked for and forbidden', own: { runAsUser: 0 }, pod: { runAsNonRoot: true }, want: undefined },
];

for (const { about, own, pod, want } of cases)
  test(`a container runs as ${about}`, () => {
    const user = containerUser({ name: 'c', securityContext: own }, { securityContext: pod }, 'p_ns(u)');
    const problem = `container's runAsUser breaks non-root policy (pod: "p_ns(u)", container: c)`;
    assert.deepEqual(user, want === undefined ? { ok: false, problem } : { ok: true, uid: want[0], gid: want[1] });
  });
