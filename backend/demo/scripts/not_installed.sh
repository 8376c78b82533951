#!/opt/retired/bin/perl5.8
# Cannot be launched: its interpreter is not there.
print "never seen\n";
