# Writes the copy of runed.proto that the daemon reads requests with: -D SOURCE=... -D RESULT=...
# -P bytes_copy.cmake. Every `string` is `bytes` in it, since a string that is not UTF-8 makes a whole
# message unreadable, and nobody would learn which of its texts it was. On the wire the two are one. It
# is a package of its own, which reflection does not know, without descriptors.
file(READ "${SOURCE}" text)
string(REGEX REPLACE "(\n  +(repeated )?)string " "\\1bytes " text "${text}")
string(REPLACE "\npackage runed.v1;\n"
  "\npackage runed.v1.raw;\n\noption optimize_for = LITE_RUNTIME;\n" text "${text}")
file(WRITE "${RESULT}" "${text}")
