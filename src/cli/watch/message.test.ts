import { describe, expect, test } from 'vitest'
import { frameOf, hello, poolFrame, slotFrame, slowFrame } from '../../../test/support/fake-dashboard.ts'
import { NotADashboard, readMessage } from './message.ts'

const frame = (value: unknown) => readMessage({ name: 'frame', data: JSON.stringify(value) })

describe('what a dashboard says', () => {
  test('is read as it was said', () => {
    const said = frameOf([poolFrame(), poolFrame({ name: '__proto__' })])
    expect(frame(said)).toEqual({ kind: 'frame', frame: said })
    expect(readMessage({ name: 'hello', data: JSON.stringify(hello()) })).toEqual({
      kind: 'hello',
      hello: hello(),
    })
    const slow = { pools: [slowFrame()] }
    expect(readMessage({ name: 'slow', data: JSON.stringify(slow) })).toEqual({ kind: 'slow', slow })
  })

  test('may hold more than is known here', () => {
    const said = { ...frameOf([poolFrame()]), moon: 'full' }
    expect(frame(said)).toMatchObject({ frame: { pools: [{ name: 'default' }] } })
    expect(readMessage({ name: 'weather', data: 'rain' })).toBeUndefined()
  })

  test.each([
    ['no JSON', '{"at":1'],
    ['a list', '[]'],
    ['null', 'null'],
    ['no pools', JSON.stringify({ at: 1, events: [] })],
    ['a pool without slots', JSON.stringify(frameOf([{ ...poolFrame(), slots: undefined as never }]))],
    [
      'a slot in a state that there is not',
      JSON.stringify(frameOf([poolFrame({ slots: [slotFrame('constructor' as never)] })])),
    ],
    ['a number that is a text', JSON.stringify(frameOf([poolFrame({ max: '10' as never })]))],
  ])('is refused when it is %s', (_, data) => {
    expect(() => readMessage({ name: 'frame', data })).toThrow(NotADashboard)
  })

  test('cannot make the terminal do anything', () => {
    const evil = '\u001B]0;owned\u0007\u001B[2J\u009B31mred\r\n\u202Egnp.exe\u2028'
    const pool = poolFrame({ name: evil, slots: [slotFrame('leased', { agent: evil })] })
    const said = JSON.stringify(frame(frameOf([pool])))
    expect(said).toContain('owned')
    expect(said).not.toMatch(/\\u001b|[\u0080-\u009F\u202E\u2028]|\\r|\\n/i)
  })
})
