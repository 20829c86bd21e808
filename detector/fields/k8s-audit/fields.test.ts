import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { sharedData } from '../../../scripts/shared-data.ts'
import type { AuditEvent, JsonObject } from '../../events/audit-event.ts'
import { repositoryOf } from './containers.ts'
import { k8sAuditFields, kaFields } from './index.ts'

const folder = sharedData('k8s-audit')
const withData = folder === undefined ? test.skip : test

const eventOf = (document: JsonObject): AuditEvent => ({
  id: 0,
  document,
  timeNs: 1_540_562_314_902_914_000n,
  firstTimeNs: 1_540_562_314_000_000_000n,
  number: 7,
  hostname: 'node-a',
})

/** The first of a file's events. */
const recorded = (name: string) =>
  eventOf(
    JSON.parse(readFileSync(join(folder ?? '', `${name}.json`), 'utf8').split('\n', 1)[0] ?? ''),
  )

/** `ka.uri.param[command]`, as a rule writes it. */
function read(event: AuditEvent, text: string) {
  const [, name = '', argument] = /^([^[]*)(?:\[(.*)\])?$/.exec(text) ?? []
  const use = k8sAuditFields.find(name, argument)
  if ('problem' in use) throw new Error(use.problem)
  return use.read(event)
}

const readAll = (event: AuditEvent, ...texts: readonly string[]) =>
  Object.fromEntries(texts.map((text) => [text, read(event, text)]))

const pod = (spec: JsonObject) =>
  eventOf({ auditID: 'a', objectRef: { resource: 'pods' }, requestObject: { spec } })

test('there are the hundred ka fields of the k8saudit plugin, each once', () => {
  expect(new Set(kaFields.map(({ name }) => name)).size).toBe(100)
  expect(kaFields).toHaveLength(100)
})

withData('of an exec: who, which pod, which command', () => {
  const fields = {
    'ka.auditid': 'ca1ed9f4-7bf4-4c85-81a8-1b11253d1ba6',
    'ka.stage': 'ResponseStarted',
    'ka.auth.decision': 'allow',
    'ka.auth.reason': '',
    'ka.user.name': 'minikube-user',
    'ka.user.groups': ['system:masters', 'system:authenticated'],
    'ka.impuser.name': undefined,
    'ka.useragent': undefined,
    'ka.sourceips': ['192.168.99.1'],
    'ka.sourceips[0]': ['192.168.99.1'],
    'ka.sourceips[1]': [],
    'ka.verb': 'create',
    'ka.uri.param[command]': 'bash',
    'ka.uri.param[container]': 'nginx1',
    'ka.uri.param[none]': undefined,
    'ka.target.name': 'nginx-deployment-7998647bdf-phvq7',
    'ka.target.namespace': 'default',
    'ka.target.resource': 'pods',
    'ka.target.subresource': 'exec',
    'ka.target.pod.name': undefined,
    'ka.response.code': '101',
    'ka.response.reason': undefined,
    'jevt.value[/annotations/authorization.k8s.io~1decision]': 'allow',
    'jevt.value[/user/groups/0]': 'system:masters',
    'jevt.value[/user/groups]': '["system:masters","system:authenticated"]',
    'jevt.value[/nothing/here]': undefined,
    'json.value[/stage]': 'ResponseStarted',
    'jevt.rawtime': '1540562314902914000',
    'evt.num': 7,
    'evt.source': 'k8s_audit',
    'evt.pluginname': 'k8saudit',
    'evt.rawtime': 1_540_562_314_902_914_000n,
    'evt.reltime.ns': 902_914_000n,
    'evt.hostname': 'node-a',
  }
  expect(readAll(recorded('exec_pod'), ...Object.keys(fields))).toEqual(fields)
})

withData('of a pod: what each container asks for, and what the pod mounts', () => {
  const event = recorded('create_nginx_pod_sensitive_mount_2nd_container')
  expect(
    readAll(event, 'ka.req.pod.volumes.hostpath', 'ka.req.pod.containers.image.repository'),
  ).toEqual({
    'ka.req.pod.volumes.hostpath': ['/etc'],
    'ka.req.pod.containers.image.repository': ['nginx', 'mysql'],
  })
  expect(read(event, 'ka.req.volume.hostpath[/et*]')).toBe('true')
  expect(read(event, 'ka.req.volume.hostpath[/et]')).toBe('false')
  expect(
    readAll(
      recorded('create_nginx_pod_privileged_2nd_container'),
      'ka.req.pod.containers.privileged',
      'ka.req.pod.containers.privileged[0]',
      'ka.req.container.privileged',
      'ka.req.container.image',
    ),
  ).toEqual({
    'ka.req.pod.containers.privileged': ['false', 'true'],
    'ka.req.pod.containers.privileged[0]': ['false'],
    'ka.req.container.privileged': 'true',
    'ka.req.container.image': 'nginx',
  })
})

withData('of roles, bindings, services and ConfigMaps: what they would grant or hold', () => {
  expect(
    readAll(
      recorded('attach_cluster_admin_role'),
      'ka.req.binding.role',
      'ka.req.binding.subjects.user_names',
      'ka.req.binding.subjects.group_names',
      'ka.req.binding.subject.has_name[minikube]',
      'ka.req.binding.subject.has_name[root]',
    ),
  ).toEqual({
    'ka.req.binding.role': 'cluster-admin',
    'ka.req.binding.subjects.user_names': ['minikube'],
    'ka.req.binding.subjects.group_names': [],
    'ka.req.binding.subject.has_name[minikube]': 'true',
    'ka.req.binding.subject.has_name[root]': 'false',
  })
  const role = recorded('create_cluster_role_pod_exec')
  expect(read(role, 'ka.req.role.rules.resources')).toEqual(['pods/exec'])
  expect(read(role, 'ka.req.role.rules.verbs[1]')).toEqual(['get'])
  expect(read(role, 'ka.req.role.rules.verbs[2]')).toEqual([])
  const service = recorded('create_nginx_service_nodeport')
  expect(read(service, 'ka.req.service.type')).toBe('NodePort')
  expect(read(service, 'ka.req.service.ports[0]')).toEqual([expect.stringContaining('"port":80')])
  const map = recorded('create_configmap_sensitive_values')
  expect(read(map, 'ka.req.configmap.obj')).toContain('aws_access_key_id')
})

test('containers inherit ids from the pod, and lists of three kinds stay apart', () => {
  const event = pod({
    securityContext: { runAsUser: 1000, supplementalGroups: [1, 2] },
    containers: [
      {
        name: 'a',
        image: 'registry:5000/team/a:1@sha256:x',
        command: ['sh', '-c'],
        securityContext: { runAsUser: 0, capabilities: { add: ['SYS_ADMIN', 'NET_RAW'] } },
        ports: [{ containerPort: 80 }, { containerPort: 90, hostPort: 22 }],
      },
      { name: 'b', image: 'b' },
    ],
    initContainers: [{ name: 'i', securityContext: { privileged: true } }],
    volumes: [
      { name: 'v', emptyDir: {} },
      { name: 'w', flexVolume: { driver: 'd' } },
    ],
  })
  const fields = {
    'ka.req.pod.run_as_user': '1000',
    'ka.req.pod.supplemental_groups': ['1', '2'],
    'ka.req.pod.containers.eff_run_as_user': ['0', '1000'],
    'ka.req.pod.containers.eff_run_as_group': ['0', '0'],
    'ka.req.pod.containers.run_as_user': ['0'],
    'ka.req.pod.containers.command': ['sh -c'],
    'ka.req.pod.containers.host_port': ['80', '22'],
    'ka.req.pod.containers.add_capabilities': ['SYS_ADMIN', 'NET_RAW'],
    'ka.req.pod.containers.image.repository': ['registry:5000/team/a', 'b'],
    'ka.req.pod.containers.privileged': [],
    'ka.req.pod.initContainers.privileged': ['true'],
    'ka.req.pod.ephemeralContainers.privileged': undefined,
    'ka.req.pod.volumes.volume_type': ['emptyDir', 'flexVolume'],
    'ka.req.pod.volumes.volume_type[1]': ['flexVolume'],
    'ka.req.pod.volumes.flexvolume_driver': ['d'],
  }
  expect(readAll(event, ...Object.keys(fields))).toEqual(fields)
})

test('no name reaches what JSON did not say, and a wrong shape is missing', () => {
  const event = eventOf(JSON.parse('{"user":"x","objectRef":null,"requestObject":{"spec":[1]}}'))
  for (const pointer of ['/constructor', '/__proto__/x', '/user/length', '/toString'])
    expect(read(event, `jevt.value[${pointer}]`)).toBeUndefined()
  for (const { name, argument } of kaFields)
    expect(() => read(event, argument === 'required' ? `${name}[x]` : name)).not.toThrow()
  expect(read(event, 'ka.user.name')).toBeUndefined()
})

test("an image's tag and digest are not its repository, a registry's port is", () => {
  expect(['nginx', 'a/b:1', 'r:5000/b', 'r:5000/b:1@sha256:f'].map(repositoryOf)).toEqual([
    'nginx', 'a/b', 'r:5000/b', 'r:5000/b',
  ]) // prettier-ignore
})

test('a wrong argument is a problem that says what is wanted', () => {
  expect(k8sAuditFields.find('ka.uri.param', undefined)).toMatchObject({ problem: expect.stringContaining('needs an argument') }) // prettier-ignore
  expect(k8sAuditFields.find('ka.sourceips', 'x')).toMatchObject({ problem: expect.stringContaining('an index') }) // prettier-ignore
  expect(k8sAuditFields.find('ka.verb', '0')).toMatchObject({ problem: expect.stringContaining('no argument') }) // prettier-ignore
  expect(k8sAuditFields.find('ka.target.nam', undefined)).toMatchObject({ problem: expect.stringContaining('did you mean ka.target.name?') }) // prettier-ignore
})
