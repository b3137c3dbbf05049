import fc from 'fast-check'
import { serialize } from 'pg-protocol'
import { expect, test } from 'vitest'
import type { Serialised } from './packet.ts'
import { Packet } from './packet.ts'

const text = fc.oneof(
  fc.string({ maxLength: 100 }).map((string) => string.replaceAll('\0', '')),
  fc.string({ unit: 'binary', maxLength: 60 }).map((string) => string.replaceAll('\0', '')),
  fc.nat(200_000).map((length) => 'é'.repeat(length)),
)
const value: fc.Arbitrary<Serialised> = fc.oneof(
  text,
  fc.constant(null),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
)

const message = fc.oneof(
  fc.record({ kind: fc.constant('parse' as const), name: fc.constantFrom('', 'sluice_name', 'é'), text }),
  fc.record({
    kind: fc.constant('bind' as const),
    name: text,
    values: fc.array(value, { maxLength: 20 }),
    binary: fc.boolean(),
  }),
  fc.record({ kind: fc.constantFrom('describe' as const, 'execute' as const, 'sync' as const) }),
  fc.record({ kind: fc.constant('close' as const), name: fc.constantFrom('a', 'sluice_é') }),
  fc.record({ kind: fc.constant('query' as const), text }),
)

test('says byte for byte what the serialiser of pg says', () => {
  fc.assert(
    fc.property(fc.array(fc.array(message, { maxLength: 12 }), { maxLength: 4 }), (packets) => {
      const packet = new Packet()
      for (const messages of packets) {
        const expected: Buffer[] = []
        for (const said of messages) {
          switch (said.kind) {
            case 'parse':
              packet.parse(said.text, said.name)
              expected.push(serialize.parse({ name: said.name, text: said.text }))
              break
            case 'bind':
              packet.bind(said.name, said.values, said.binary)
              expected.push(
                serialize.bind({ statement: said.name, values: [...said.values], binary: said.binary }),
              )
              break
            case 'describe':
              packet.describe()
              expected.push(serialize.describe({ type: 'P' }))
              break
            case 'execute':
              packet.execute()
              expected.push(serialize.execute({}))
              break
            case 'sync':
              packet.sync()
              expected.push(serialize.sync())
              break
            case 'close':
              packet.close(said.name)
              expected.push(serialize.close({ type: 'S', name: said.name }))
              break
            case 'query':
              packet.query(said.text)
              expected.push(serialize.query(said.text))
              break
          }
        }
        expect(packet.take().equals(Buffer.concat(expected))).toBe(true)
        expect(packet.isEmpty).toBe(true)
      }
    }),
  )
})
