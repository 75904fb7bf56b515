/** What identifies a server to its clients: authority, certificate, token, signing secret. Kept beside the data, so that a restart keeps them. */
import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CertificateRequest, KeyPair } from './certificates.ts';
import { CodedError, messageOf, hasCode } from '../../observe/index.ts';
import { coversNames, mintAuthority, mintCertificate } from './certificates.ts';

export interface ServerIdentity {
  readonly authority: KeyPair;
  readonly server: KeyPair;
  /** The administrator's bearer token. */
  readonly token: string;
  /** What service accounts' tokens are signed with. */
  readonly secret: string;
}

/** The kept identity cannot be read. */
export class IdentityError extends CodedError<{ readonly code: 'UNREADABLE_IDENTITY'; readonly file: string }> {}

const fileName = 'identity.json';

/**
 * The identity kept in `directory`, or a new one. Without a directory it lives as long as the process. A certificate that
 * does not cover `names` any more is minted anew under the same authority. Throws `IdentityError` when the kept one is unreadable.
 */
export async function loadIdentity(
  directory: string | undefined,
  names: Pick<CertificateRequest, 'dnsNames' | 'addresses'>,
  now: Date,
): Promise<ServerIdentity> {
  const kept = directory === undefined ? undefined : await readIdentity(join(directory, fileName));
  if (kept !== undefined && coversNames(kept.server, names, now)) return kept;
  const authority = kept?.authority ?? mintAuthority(now);
  const identity: ServerIdentity = {
    authority,
    server: mintCertificate(authority, { ...names, commonName: 'kube-apiserver', use: 'server' }, now),
    token: kept?.token ?? randomBytes(24).toString('base64url'),
    secret: kept?.secret ?? randomBytes(32).toString('base64url'),
  };
  if (directory !== undefined) {
    const file = join(directory, fileName);
    // Renamed into place: a crash leaves the old file or the new one.
    await writeFile(`${file}.new`, JSON.stringify(identity), { mode: 0o600 });
    await rename(`${file}.new`, file);
  }
  return identity;
}

async function readIdentity(file: string): Promise<ServerIdentity | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as ServerIdentity;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    const text = `cannot read ${file}: ${messageOf(error)}; without it (move it away) a new certificate and token are made`;
    throw new IdentityError(text, { code: 'UNREADABLE_IDENTITY', file }, { cause: error });
  }
}
