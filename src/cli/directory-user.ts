/** Who uses a lab's directory, when the directory itself does not say. */
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';

/** How long a lab may take to accept a connection, in milliseconds: one that hangs is still there. */
const answerTimeoutMs = 1000;

/**
 * The number of a lab's process that was started for this directory; 0 when one answers at its control socket without being
 * seen in /proc (another pid namespace); undefined when there is none.
 */
export async function findDirectoryUser(directory: string, controlSocket: string): Promise<number | undefined> {
  return findStartedFor(directory) ?? ((await isAnswered(controlSocket)) ? 0 : undefined);
}

/** A lab's process has its options on its command line, and among them its directory. */
function findStartedFor(directory: string): number | undefined {
  const mark = `"stateDirectory":${JSON.stringify(directory)}`;
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .find((pid) => pid !== process.pid && commandLineOf(pid).includes(mark));
}

function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    // it has ended meanwhile, or is somebody else's and so no lab of ours
    return '';
  }
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const settle = (isTaken: boolean): void => {
      socket.destroy();
      resolve(isTaken);
    };
    socket.once('connect', () => settle(true));
    // no such file, or a file that nobody listens behind
    socket.once('error', () => settle(false));
    socket.setTimeout(answerTimeoutMs, () => settle(true));
  });
}
