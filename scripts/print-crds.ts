/** Writes charts/riposte/files/crds/; a test fails when it was forgotten. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { stringify } from 'yaml'
import { customResourceDefinitions } from '../responder/policy/crds.ts'

const directory = new URL('../charts/riposte/files/crds/', import.meta.url)
mkdirSync(directory, { recursive: true })
for (const definition of customResourceDefinitions())
  writeFileSync(
    new URL(`${definition.metadata.name}.yaml`, directory),
    stringify(definition, { version: '1.1', aliasDuplicateObjects: false }),
  )
