// node age.js keygen
// node age.js encrypt RECIPIENT... <plain >file
// node age.js decrypt IDENTITY-FILE <file >plain
import { readFileSync, writeSync } from 'node:fs'
import * as age from 'age-encryption'

const [verb, ...names] = process.argv.slice(2)

function write (data) {
  for (let at = 0; at < data.length;) at += writeSync(1, data, at)
}

if (verb === 'keygen') {
  const identity = await age.generateHybridIdentity()
  write(Buffer.from(`# public key: ${await age.identityToRecipient(identity)}\n${identity}\n`))
} else if (verb === 'encrypt') {
  const encrypter = new age.Encrypter()
  for (const name of names) encrypter.addRecipient(name)
  write(await encrypter.encrypt(readFileSync(0)))
} else {
  const decrypter = new age.Decrypter()
  const lines = readFileSync(names[0], 'utf8').split('\n')
  for (const line of lines) if (line.startsWith('AGE-SECRET-KEY-')) decrypter.addIdentity(line)
  write(await decrypter.decrypt(readFileSync(0)))
}
