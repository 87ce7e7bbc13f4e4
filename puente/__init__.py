"""The program: what a user types and what stands behind it.

cli        the command line: options, screens, exit codes
commands   what each command does, without a word about screens
config     `puente.toml`
wiring     where objects are joined: the only place that names concrete classes of both sides
loop       workers that take turns until they are stopped; logs writes what they say
findings   one line of what a command found out
reference  empty reference databases of SAE and CAJA
demo       a company to show it all with; oracle, which knows what its CAJAs must hold, apart from it
"""
