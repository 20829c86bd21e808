/** The chart's README: how to install it, what it grants, every value. */
import type { Action } from '../../responder/actions/action.ts'
import { variants } from '../../responder/actions/variants.ts'
import { leavesOf, type Value } from './values.ts'

export function printReadme(values: readonly Value[], actions: readonly Action[]): string {
  const rights = actions
    .filter(({ rbac, capabilities }) => rbac.length + capabilities.length > 0)
    .map(({ name, risk, rbac, capabilities }) => {
      const rules = rbac.filter(({ onlyWith }) => onlyWith === undefined).map(shown)
      return `| ${name} | ${risk} | ${rules.join(' · ') || 'none'} | ${capabilities.join(', ') || 'none'} |`
    })
  const rows = leavesOf(values).map(
    ({ path, fallback, about }) =>
      `| \`${path.join('.')}\` | \`${JSON.stringify(fallback).replaceAll('|', String.raw`\|`)}\` | ${about.replaceAll('|', String.raw`\|`)} |`,
  )
  return `${[
    intro,
    [
      '| action | risk | rights of the responder | capabilities of the detector |',
      '| --- | --- | --- | --- |',
      ...rights,
    ].join('\n'),
    aboutVariants,
    [
      '| variant | action | when | rights |',
      '| --- | --- | --- | --- |',
      ...variantRows(actions),
    ].join('\n'),
    '## Values',
    ['| value | default | what |', '| --- | --- | --- |', ...rows].join('\n'),
  ].join('\n\n')}\n`
}

const shown = ({ resources, verbs }: Action['rbac'][number]): string =>
  `${resources.join(', ')}: ${verbs.join(', ')}`

const variantRows = (actions: readonly Action[]): string[] =>
  Object.entries(variants).flatMap(([variant, { when }]) =>
    actions.flatMap(({ name, rbac }) => {
      const rules = rbac.filter(({ onlyWith }) => onlyWith === variant).map(shown)
      return rules.length === 0 ? [] : [`| ${variant} | ${name} | ${when} | ${rules.join(' · ')} |`]
    }),
  )

const aboutVariants = `Beside these, rights that an action needs only where a policy or the cluster asks for more: those of the variants in
\`actions.variants\`, and no others. A policy that asks for one that is not granted shows as Degraded, with the right that is
missing, and so does \`riposte status\`.`

const intro = `# The chart

Printed from values.yaml and the records of actions by \`node scripts/print-chart.ts\`; do not edit.

    helm install riposte charts/riposte --namespace riposte --create-namespace --set image.registry=REGISTRY

It starts in audit: nothing is touched until you say \`--set mode=enforce\`, and the notes after the installation name what that would
change. helm 3 and 4 both do.

- The detector sees the whole node, so its namespace has to admit the \`privileged\` Pod Security level: it runs as root with
  \`hostPID\` and host folders, but unprivileged, with a read-only root and the capabilities BPF, PERFMON, SYS_PTRACE and those
  of the enabled actions. The responder fits the \`restricted\` level.
- No Secret is made and no value is random, so that Argo CD and Flux settle. The responder makes its own CA and publishes the certificate.
  Every secret of yours is mounted as a file.
- \`helm uninstall\` leaves \`detector.hostPath\` on the nodes (spool, quarantined files, evidence), and the claim if you asked to keep it.
- Files that change in a ConfigMap (rules, policies) are taken over within a minute or so, without a restart.

## Rights

A ClusterRole for each risk class, made from \`actions.enabled\` alone; Roles instead, in \`responder.namespaces\`, where you name some. Each
is bound to a ServiceAccount of that class (\`riposte-contain\`, \`riposte-destroy\`, …), which no pod runs as: a step acts as the
account of its class, so the API server refuses what another class may do, and its audit log names both. The responder's own account may
impersonate exactly these (\`rbac.accountPerClass: false\` binds all Roles to it instead), create token reviews, get pods (is it so
what a node says of one?), work with the objects of riposte.dev, and write the one ConfigMap with its certificate; the detector may read pods and
that ConfigMap. Nobody may read Secrets.`
