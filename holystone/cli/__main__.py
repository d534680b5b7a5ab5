from holystone.cli.main import main

main()
