import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { isIP } from 'node:net'
import { AsnConvert, OctetString } from '@peculiar/asn1-schema'
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  id_kp_clientAuth,
  id_kp_serverAuth,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from '@peculiar/asn1-x509'

/** A certificate and its private key (PKCS #8), both as PEM text. */
export interface KeyAndCertificate {
  readonly cert: string
  readonly key: string
}

export interface Lifetime {
  readonly notBefore: Date
  readonly notAfter: Date
}

export interface CertificateRequest {
  readonly commonName: string
  /** DNS names and IP addresses; a certificate with any is a server's. */
  readonly hosts?: readonly string[]
  readonly lifetime?: Lifetime
}

const day = 86_400_000
const ecdsaWithSha256 = '1.2.840.10045.4.3.2'
const commonNameType = '2.5.4.3'

/** A certificate authority that signs with ECDSA over P-256. X.509 v3 as in RFC 5280. */
export class Authority {
  readonly #certificate: KeyAndCertificate

  constructor(certificate: KeyAndCertificate) {
    this.#certificate = certificate
  }

  /** A new one, with a self-signed certificate. */
  static create(commonName: string, lifetime: Lifetime = lifetimeOf(3650)): Authority {
    const pair = newKeyPair()
    const cert = certificate({
      subject: commonName,
      issuer: commonName,
      issuerKey: pair.privateKey,
      publicKey: pair.publicKey,
      lifetime,
      extensions: [
        extension(id_ce_basicConstraints, new BasicConstraints({ cA: true }), true),
        extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign), true),
      ],
    })
    return new Authority({ cert, key: pemOf(pair.privateKey) })
  }

  get pem(): KeyAndCertificate {
    return this.#certificate
  }

  /** A certificate for a client; with hosts for a server, too. Valid from an hour ago, for 825 days, unless said otherwise. */
  issue({ commonName, hosts = [], lifetime = lifetimeOf(825) }: CertificateRequest): KeyAndCertificate {
    const pair = newKeyPair()
    const usages = hosts.length > 0 ? [id_kp_serverAuth, id_kp_clientAuth] : [id_kp_clientAuth]
    const names = hosts.map((host) => new GeneralName(isIP(host) ? { iPAddress: host } : { dNSName: host }))
    const cert = certificate({
      subject: commonName,
      issuer: subjectOf(this.#certificate.cert),
      issuerKey: createPrivateKey(this.#certificate.key),
      issuerKeyId: keyIdOf(this.#certificate.cert),
      publicKey: pair.publicKey,
      lifetime,
      extensions: [
        extension(id_ce_basicConstraints, new BasicConstraints({ cA: false }), true),
        extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.digitalSignature), true),
        extension(id_ce_extKeyUsage, new ExtendedKeyUsage(usages)),
        ...(names.length > 0 ? [extension(id_ce_subjectAltName, new SubjectAlternativeName(names))] : []),
      ],
    })
    return { cert, key: pemOf(pair.privateKey) }
  }
}

/** From an hour ago, since clocks differ, for so many days. */
export function lifetimeOf(days: number, now: number = Date.now()): Lifetime {
  return { notBefore: new Date(now - day / 24), notAfter: new Date(now + days * day) }
}

interface Parts {
  readonly subject: string
  readonly issuer: string
  readonly issuerKey: KeyObject
  readonly issuerKeyId?: ArrayBuffer
  readonly publicKey: KeyObject
  readonly lifetime: Lifetime
  readonly extensions: readonly Extension[]
}

function certificate(parts: Parts): string {
  const spki = AsnConvert.parse(parts.publicKey.export({ type: 'spki', format: 'der' }), SubjectPublicKeyInfo)
  const keyId = toArrayBuffer(randomBytes(20))
  const authorityKeyId = new AuthorityKeyIdentifier({
    keyIdentifier: new KeyIdentifier(parts.issuerKeyId ?? keyId),
  })
  const signatureAlgorithm = new AlgorithmIdentifier({ algorithm: ecdsaWithSha256 })
  const body = new TBSCertificate({
    version: Version.v3,
    serialNumber: serialNumber(),
    signature: signatureAlgorithm,
    issuer: nameOf(parts.issuer),
    validity: new Validity({
      notBefore: parts.lifetime.notBefore,
      notAfter: parts.lifetime.notAfter,
    }),
    subject: nameOf(parts.subject),
    subjectPublicKeyInfo: spki,
    extensions: new Extensions([
      ...parts.extensions,
      extension(id_ce_subjectKeyIdentifier, new SubjectKeyIdentifier(keyId)),
      extension(id_ce_authorityKeyIdentifier, authorityKeyId),
    ]),
  })
  const signature = sign('sha256', Buffer.from(AsnConvert.serialize(body)), parts.issuerKey)
  const whole = new Certificate({
    tbsCertificate: body,
    signatureAlgorithm,
    signatureValue: toArrayBuffer(signature),
  })
  return pemText('CERTIFICATE', Buffer.from(AsnConvert.serialize(whole)))
}

function extension(extnID: string, value: object, critical = false): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) })
}

function nameOf(commonName: string): Name {
  const value = new AttributeValue({ utf8String: commonName })
  return new Name([
    new RelativeDistinguishedName([new AttributeTypeAndValue({ type: commonNameType, value })]),
  ])
}

function parsed(pem: string): TBSCertificate {
  const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64')
  return AsnConvert.parse(der, Certificate).tbsCertificate
}

function subjectOf(pem: string): string {
  return parsed(pem).subject[0]?.[0]?.value.toString() ?? ''
}

function keyIdOf(pem: string): ArrayBuffer {
  const found = parsed(pem).extensions?.find(({ extnID }) => extnID === id_ce_subjectKeyIdentifier)
  return AsnConvert.parse(found?.extnValue.buffer ?? new ArrayBuffer(0), SubjectKeyIdentifier).buffer
}

/** Positive and of at most 20 octets: RFC 5280, 4.1.2.2. */
function serialNumber(): ArrayBuffer {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] as number) & 0x3f) | 0x40
  return toArrayBuffer(bytes)
}

function newKeyPair() {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }) as string
}

function pemText(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

function toArrayBuffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer
}
