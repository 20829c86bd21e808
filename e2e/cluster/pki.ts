/** A throwaway PKI by openssl: the cluster's CA, a certificate for each component and node, the service account key. */
import { generateKeyPairSync } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Addresses } from './addresses.ts'
import { must } from './command.ts'

const days = '30'
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

export interface Certificate {
  readonly certificate: string
  readonly key: string
}

export class Pki {
  readonly folder: string
  readonly caFile: string
  readonly #caKey: string
  readonly #config: string

  private constructor(folder: string) {
    this.folder = folder
    this.caFile = join(folder, 'ca.crt')
    this.#caKey = join(folder, 'ca.key')
    this.#config = join(folder, 'openssl.cnf')
  }

  static async make(folder: string): Promise<Pki> {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const pki = new Pki(folder)
    // Of its own, or the machine's openssl.cnf adds extensions.
    await writeFile(pki.#config, '[req]\ndistinguished_name = subject\n[subject]\n')
    await pki.#req(pki.caFile, pki.#caKey, '/CN=riposte-test-ca', [
      'basicConstraints=critical,CA:TRUE',
      'keyUsage=critical,keyCertSign,cRLSign,digitalSignature',
    ])
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    await writeFile(
      pki.serviceAccount.certificate,
      publicKey.export({ type: 'spki', format: 'pem' }),
    )
    await writeFile(pki.serviceAccount.key, privateKey.export({ type: 'sec1', format: 'pem' }), {
      mode: 0o600,
    })
    return pki
  }

  get caKeyFile(): string {
    return this.#caKey
  }

  /** Signs and checks service account tokens; `certificate` is the bare public key. */
  get serviceAccount(): Certificate {
    return { certificate: join(this.folder, 'sa.pub'), key: join(this.folder, 'sa.key') }
  }

  /**
   * Signed by the CA, for servers and clients alike; the files' paths.
   * @param subject such as `/O=system:nodes/CN=system:node:n1`
   * @param names such as `IP:10.0.0.1` and `DNS:localhost`
   */
  async issue(name: string, subject: string, names: readonly string[] = []): Promise<Certificate> {
    const issued = {
      certificate: join(this.folder, `${name}.crt`),
      key: join(this.folder, `${name}.key`),
    }
    const signer = ['-CA', this.caFile, '-CAkey', this.#caKey]
    const extensions = [
      'basicConstraints=CA:FALSE',
      'keyUsage=digitalSignature,keyEncipherment',
      'extendedKeyUsage=serverAuth,clientAuth',
      ...(names.length === 0 ? [] : [`subjectAltName=${names.join(',')}`]),
    ]
    await this.#req(issued.certificate, issued.key, subject, extensions, signer)
    return issued
  }

  /** A kubeconfig that holds everything, as text: JSON is YAML. */
  async kubeconfigOf(server: string, { certificate, key }: Certificate): Promise<string> {
    const cluster = { server, 'certificate-authority-data': await base64(this.caFile) }
    const user = {
      'client-certificate-data': await base64(certificate),
      'client-key-data': await base64(key),
    }
    return kubeconfig(cluster, user)
  }

  #req(
    certificate: string,
    key: string,
    subject: string,
    extensions: readonly string[],
    signer: readonly string[] = [],
  ): Promise<string> {
    const files = ['-config', this.#config, '-keyout', key, '-out', certificate]
    const stated = extensions.flatMap((extension) => ['-addext', extension])
    const start = ['req', '-x509', '-days', days, '-subj', subject]
    return must('openssl', start.concat(newKey, signer, files, stated))
  }
}

const base64 = (file: string) => readFile(file, 'base64')

export const kubeconfig = (cluster: object, user: object): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'riposte', cluster }],
    users: [{ name: 'riposte', user }],
    contexts: [{ name: 'riposte', context: { cluster: 'riposte', user: 'riposte' } }],
    'current-context': 'riposte',
  })

/** What every name of the API server resolves to, as its certificate has to say. */
export const apiserverNames = ({ controlPlane, apiService }: Addresses): string[] => [
  ...['127.0.0.1', controlPlane, apiService].map((address) => `IP:${address}`),
  ...['', '.default', '.default.svc', '.default.svc.cluster.local'].map(
    (suffix) => `DNS:kubernetes${suffix}`,
  ),
  'DNS:localhost',
]
