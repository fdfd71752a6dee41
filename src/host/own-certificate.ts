import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import {
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** A key and its certificate as PEM, and files that programs which must trust it are pointed to. */
export interface OwnCertificate {
  key: string;
  cert: string;
  certFile: string;
  /** All authorities that are known to everybody, and this one: for programs that take one file in place of their own. */
  bundleFile: string;
}

const day = 86_400_000;
/** Longer ones are refused by some clients. */
const life = 397 * day;
const renewBefore = 30 * day;

/**
 * The certificate of this server, which it has signed itself: made at the first start, and anew where it soon ends or lacks one of
 * these names. The key is readable by its owner only.
 */
export async function ownCertificate(directory: string, names: string[], now: number): Promise<OwnCertificate> {
  const [keyFile, certFile, bundleFile] = ['key.pem', 'cert.pem', 'bundle.pem'].map((name) =>
    join(directory, name),
  ) as [string, string, string];
  if (!existsSync(keyFile) || !isGood(readFileSync(certFile, 'utf8'), names, now)) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const { key, cert } = await make(names, now);
    writeFileSync(keyFile, key, { mode: 0o600 });
    writeFileSync(certFile, cert, { mode: 0o644 });
  }
  const [key, cert] = [readFileSync(keyFile, 'utf8'), readFileSync(certFile, 'utf8')];
  writeFileSync(bundleFile, [...rootCertificates, cert].join('\n'), { mode: 0o644 });
  return { key, cert, certFile, bundleFile };
}

function isGood(pem: string, names: string[], now: number): boolean {
  const certificate = new X509Certificate(pem);
  const known = certificate.getExtension(SubjectAlternativeNameExtension)?.names.items.map(({ value }) => value) ?? [];
  return certificate.notAfter.getTime() - now > renewBefore && names.every((name) => known.includes(name));
}

async function make(names: string[], now: number): Promise<{ key: string; cert: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: Buffer.from(webcrypto.getRandomValues(new Uint8Array(16)))
      .toString('hex')
      .replace(/^[89a-f]/, '1'),
    name: `CN=${names[0]}, O=Millrace`,
    notBefore: new Date(now - day),
    notAfter: new Date(now + life),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new SubjectAlternativeNameExtension(names.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value }))),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
    ],
  });
  const key = PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
  return { key, cert: certificate.toString('pem') };
}
