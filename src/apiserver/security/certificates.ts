/**
 * The server's own certificate authority: X.509 v3 certificates over P-256 (RFC 5280, RFC 5480), written here rather than by
 * a library: it takes 2 ms instead of a quarter of a second, at every first start.
 */
import type { KeyObject } from 'node:crypto';
import { createHash, createPrivateKey, generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto';
import { formatIp, mustParseIp } from '../../net/index.ts';
import {
  bitString,
  boolean,
  objectIdentifier,
  octetString,
  positiveInteger,
  sequence,
  setOf,
  tagged,
  time,
  utf8String,
} from './der.ts';

/** A certificate and its private key, as PEM. */
export interface KeyPair {
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** What a certificate is for. */
export interface CertificateRequest {
  readonly commonName: string;
  /** Groups, for a client. */
  readonly organizations?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly addresses?: readonly string[];
  readonly use: 'server' | 'client';
}

const validityMs = 10 * 365 * 24 * 3600 * 1000;
/** Clocks of clients may be behind. */
const backdatingMs = 3600 * 1000;

const oids = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAlternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const;

/** Bits of the key usage extension, the first one leftmost. */
const keyUsageBits = { signature: 0x80, keyEncipherment: 0x20, certificateSign: 0x04, crlSign: 0x02 } as const;

/** Mints a self-signed certificate authority. */
export function mintAuthority(now: Date): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  // A random part in the name: clients must not take one server's authority for another's.
  const name = distinguishedName([[oids.commonName, `fairlead-ca-${randomBytes(4).toString('hex')}`]]);
  const certificatePem = signed({
    subject: name,
    issuer: name,
    publicKey,
    issuerKey: privateKey,
    now,
    extensions: [
      extension(oids.basicConstraints, sequence(boolean(true)), true),
      keyUsage(keyUsageBits.certificateSign | keyUsageBits.crlSign),
      extension(oids.subjectKeyIdentifier, octetString(keyIdentifier(publicKey))),
    ],
  });
  return { certificatePem, keyPem: keyPemOf(privateKey) };
}

/** Mints a certificate signed by the authority. Throws when an address is none. */
export function mintCertificate(authority: KeyPair, request: CertificateRequest, now: Date): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = new X509Certificate(authority.certificatePem);
  const alternatives = [
    ...(request.dnsNames ?? []).map((name) => tagged(2, Buffer.from(name), 'primitive')),
    ...(request.addresses ?? []).map((address) => tagged(7, Buffer.from(mustParseIp(address).bytes), 'primitive')),
  ];
  const organizations = (request.organizations ?? []).map((name) => [oids.organization, name] as const);
  const use = request.use === 'server' ? oids.serverAuth : oids.clientAuth;
  const certificatePem = signed({
    subject: distinguishedName([...organizations, [oids.commonName, request.commonName]]),
    issuer: distinguishedName([[oids.commonName, issuer.subject.replace(/^CN=/, '')]]),
    publicKey,
    issuerKey: createPrivateKey(authority.keyPem),
    now,
    extensions: [
      extension(oids.basicConstraints, sequence(), true),
      keyUsage(keyUsageBits.signature | keyUsageBits.keyEncipherment),
      extension(oids.extendedKeyUsage, sequence(objectIdentifier(use))),
      extension(oids.authorityKeyIdentifier, sequence(tagged(0, keyIdentifier(issuer.publicKey), 'primitive'))),
      ...(alternatives.length === 0 ? [] : [extension(oids.subjectAlternativeName, sequence(...alternatives))]),
    ],
  });
  return { certificatePem, keyPem: keyPemOf(privateKey) };
}

/** Whether a certificate's alternative names cover all of these, and it is valid for another day. */
export function coversNames(
  { certificatePem }: KeyPair,
  names: Pick<CertificateRequest, 'dnsNames' | 'addresses'>,
  now: Date,
): boolean {
  const certificate = new X509Certificate(certificatePem);
  const isValid = new Date(certificate.validTo).getTime() > now.getTime() + 24 * 3600 * 1000;
  return (
    isValid &&
    (names.dnsNames ?? []).every((name) => certificate.checkHost(name) !== undefined) &&
    (names.addresses ?? []).every((address) => certificate.checkIP(formatIp(mustParseIp(address))) !== undefined)
  );
}

interface Contents {
  readonly subject: Buffer;
  readonly issuer: Buffer;
  readonly publicKey: KeyObject;
  readonly issuerKey: KeyObject;
  readonly now: Date;
  readonly extensions: readonly Buffer[];
}

function signed({ subject, issuer, publicKey, issuerKey, now, extensions }: Contents): string {
  const algorithm = sequence(objectIdentifier(oids.ecdsaWithSha256));
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40; // positive and never empty
  const toBeSigned = sequence(
    tagged(0, positiveInteger(Buffer.from([2])), 'constructed'), // version 3
    positiveInteger(serial),
    algorithm,
    issuer,
    sequence(time(new Date(now.getTime() - backdatingMs)), time(new Date(now.getTime() + validityMs))),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(3, sequence(...extensions), 'constructed'),
  );
  const certificate = sequence(toBeSigned, algorithm, bitString(sign('sha256', toBeSigned, issuerKey)));
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function distinguishedName(parts: readonly (readonly [oid: string, value: string])[]): Buffer {
  return sequence(...parts.map(([oid, value]) => setOf(sequence(objectIdentifier(oid), utf8String(value)))));
}

function extension(oid: string, value: Buffer, isCritical = false): Buffer {
  return sequence(objectIdentifier(oid), ...(isCritical ? [boolean(true)] : []), octetString(value));
}

function keyUsage(bits: number): Buffer {
  const unusedBits = 31 - Math.clz32(bits & -bits);
  return extension(oids.keyUsage, bitString(Buffer.from([bits]), unusedBits), true);
}

/** SHA-1 of the public key's bits, the usual identifier (RFC 5280 §4.2.1.2); not a signature, so SHA-1 is no weakness. */
function keyIdentifier(key: KeyObject): Buffer {
  const spki = key.export({ type: 'spki', format: 'der' });
  // The key bits of a P-256 point are the last 65 bytes.
  return createHash('sha1').update(spki.subarray(-65)).digest();
}

function keyPemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}
